#include "iddpm/data/csv_labels.h"

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace iddpm;
  const std::vector<std::string> images = {"a.png", "b/a.png", "b/c 1.jpg", "D.png", "b/\"q\".png"};
  return fuzz::reads_or_refuses([&] {
    const auto path = fuzz::file_of(fuzz::text_of({data, size}), "labels.csv");
    const CsvLabels table = read_csv_labels(path, path.parent_path(), images);
    fuzz::demand(table.labels.size() <= images.size(), "only images of the folder have labels");
  });
}
