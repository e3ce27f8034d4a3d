#include "cli/train/joined_run.h"

#include "cli/terminal/command_line.h"
#include "iddpm/core/error.h"
#include "iddpm/core/strict_json.h"
#include "iddpm/data/dataset_summary.h"

namespace iddpm::cli {
namespace {

constexpr const char* what = "the run as rank 0 prepared it";

std::string text_of(const PreparedRun& run, bool other_data) {
  RunRecord record = run.record;
  record.run = run.session;
  return nlohmann::json({{"folder", run.folder.string()},
                         {"record", run_record_text(record)},
                         {"settings", run.trainer.settings()},
                         {"options", run.trainer.options()},
                         {"other_data", other_data}})
      .dump();
}

PreparedRun run_of(const std::string& text, const TrainArguments& arguments, std::int64_t rank) {
  const nlohmann::json json = parse_json(text, what);
  const JsonRecord fields(json, what);
  RunRecord record = parse_run_record(fields.get<std::string>("record"), what);
  apply_threads(arguments.compute);
  const auto settings = fields.raw("settings").get<ModelSettings>();
  const auto options = fields.raw("options").get<TrainingOptions>();
  std::vector<std::string> said;
  const auto dataset = open_for_model(settings, fields.get<bool>("other_data"), record, said);
  require(has_fingerprint(*dataset, record.dataset_summary.value("fingerprint", std::string())),
          "rank {} finds other images in '{}' than rank 0 ({} here, {} there); expected the same under this path on "
          "every machine",
          rank, record.data.string(), dataset->size(), record.dataset_summary.value("size", std::int64_t{0}));
  const RunOptions session = record.run;
  const auto folder = fields.get<std::string>("folder");
  return {.folder = folder,
          .lock = {},
          .record = std::move(record),
          .session = session,
          .said = {},
          .dataset = dataset,
          .trainer = Trainer(settings, options, chosen_device(arguments.compute))};
}

}  // namespace

PreparedRun prepare_together(const TrainArguments& arguments, const std::shared_ptr<ProcessGroup>& group,
                             const std::function<PreparedRun()>& prepare) {
  if (group->size() == 1) return prepare();
  group->at_work("preparing the run");
  std::optional<PreparedRun> run;
  if (group->is_first()) {
    run.emplace(prepare());
    run->record.run.processes = run->session.processes = group->size();
  }
  const bool other_data = !arguments.resume.empty() && !arguments.data.path.empty();
  const std::string text = group->broadcast_text(run ? text_of(*run, other_data) : "", what);
  group->at_work("opening the images");
  if (!run) run.emplace(run_of(text, arguments, group->rank()));
  run->trainer.join(group, arguments.shard_optimizer);
  return std::move(*run);
}

}  // namespace iddpm::cli
