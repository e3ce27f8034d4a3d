#include "iddpm/io/pytorch_containers.h"

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/pickle_reader.h"
#include "iddpm/io/tensor_bytes.h"
#include "iddpm/io/zip_archive.h"

namespace iddpm {

namespace {

constexpr std::uint64_t longest_pickle = std::uint64_t{1} << 28;
constexpr std::uint64_t entry_always_allowed = std::uint64_t{1} << 20;
constexpr std::int64_t legacy_version = 1001;

/// The folder of the archive that holds data.pkl, with its slash.
std::string folder_of_pickle(const ZipArchive& archive) {
  const std::string name = "data.pkl";
  for (const ZipEntry& entry : archive.entries()) {
    const std::size_t slash = entry.name.find('/');
    if (slash != std::string::npos && entry.name.compare(slash + 1, std::string::npos, name) == 0) {
      return entry.name.substr(0, slash + 1);
    }
  }
  fail("{} is a zip archive but not a PyTorch checkpoint: it holds no data.pkl", archive.path().string());
}

// A small entry beside the tensors. PyTorch packs none, so that unpacked it is no larger than the file.
std::string read_entry(const ZipArchive& archive, const ZipEntry& entry) {
  const std::uint64_t most = std::min(std::max(archive.file_size(), entry_always_allowed), longest_pickle);
  require(entry.size <= most, ErrorKind::damaged_file, "{}: entry {} claims {} bytes, expected at most {}",
          archive.path().string(), quote(entry.name), entry.size, most);
  ZipEntryReader reader(archive, entry);
  std::string contents = reader.read(entry.size);
  reader.finish();
  return contents;
}

/// The entry that holds a storage, of exactly its size.
const ZipEntry& entry_of(const ZipArchive& archive, const std::string& folder, const PickleStorage& storage) {
  const std::string name = folder + "data/" + storage.key;
  const ZipEntry* entry = archive.find(name);
  require(entry != nullptr, "{} lacks the entry {} that its pickle refers to", archive.path().string(), quote(name));
  const std::uint64_t bytes = byte_count({storage.size}, storage.type).value();
  require(entry->size == bytes, "{}: entry {} is claimed to be {} bytes but holds {}", archive.path().string(),
          quote(name), bytes, entry->size);
  return *entry;
}

void check_legacy_preamble(PickleInput& input) {
  const Pickle magic = read_pickle(input);
  const auto* number = magic.root->get<PickleBigInteger>();
  require(number != nullptr && number->bytes == pytorch_legacy_magic, "{} is not a PyTorch checkpoint", input.name());
  const Pickle version = read_pickle(input);
  const auto* version_number = version.root->get<std::int64_t>();
  require(version_number != nullptr && *version_number == legacy_version, ErrorKind::unsupported,
          "{} is a PyTorch checkpoint of an unknown version, expected {}", input.name(), legacy_version);
  const Pickle machine = read_pickle(input);
  const auto* facts = machine.root->get<PickleDictionary>();
  if (facts == nullptr) machine.fail("it does not describe the machine that wrote it");
  for (const auto& [key, value] : facts->items) {
    const auto* name = key->get<std::string>();
    const auto* is_true = value->get<bool>();
    require(name == nullptr || *name != "little_endian" || (is_true != nullptr && *is_true), ErrorKind::unsupported,
            "{} was written on a big-endian machine, which is not supported", input.name());
  }
}

/// Where each storage's elements begin in the file.
std::map<std::string, std::uint64_t> locate_storages(const InputFile& file, const Pickle& pickle, const Pickle& keys,
                                                     std::uint64_t position) {
  const auto* list = keys.root->get<PickleSequence>();
  if (list == nullptr) keys.fail("it has no list of storages");
  std::map<std::string, std::uint64_t> begins;
  for (const PickleValue* item : list->items) {
    const auto* key = item->get<std::string>();
    const auto storage = key == nullptr ? pickle.storages.end() : pickle.storages.find(*key);
    if (storage == pickle.storages.end()) keys.fail("its list of storages names one that no tensor has");
    std::int64_t size = 0;
    file.read_at(position, std::as_writable_bytes(std::span(&size, 1)));
    position += sizeof(size);
    require(size == storage->second.size, "{}: storage {} is claimed to be {} elements but holds {}",
            file.path().string(), quote(*key), storage->second.size, size);
    const std::uint64_t bytes = byte_count({size}, storage->second.type).value();
    require(bytes <= file.size() - position, ErrorKind::damaged_file,
            "{} is truncated: storage {} claims {} bytes, but {} are left", file.path().string(), quote(*key), bytes,
            file.size() - position);
    if (!begins.emplace(*key, position).second) keys.fail("its list of storages names one twice");
    position += bytes;
  }
  for (const auto& [key, storage] : pickle.storages) {
    if (!begins.contains(key)) pickle.fail(fmt::format("storage {} is missing", quote(key)));
  }
  return begins;
}

}  // namespace

PytorchContainer open_pytorch_zip(const std::filesystem::path& path) {
  auto archive = std::make_shared<ZipArchive>(path);
  const std::string folder = folder_of_pickle(*archive);
  if (const ZipEntry* entry = archive->find(folder + "byteorder")) {
    require(read_entry(*archive, *entry) == "little", ErrorKind::unsupported,
            "{} was written on a big-endian machine, which is not supported", path.string());
  }
  PickleInput input(read_entry(*archive, *archive->find(folder + "data.pkl")), path.string(), archive->file_size());
  Pickle pickle = read_pickle(input);
  for (const auto& [key, storage] : pickle.storages) entry_of(*archive, folder, storage);
  return {.pickle = std::move(pickle), .load = [archive, folder](const PickleStorage& storage) {
            ZipEntryReader reader(*archive, entry_of(*archive, folder, storage));
            Tensor tensor = tensor_from_file({storage.size}, storage.type,
                                             [&](std::span<std::byte> memory) { reader.read(memory); });
            reader.finish();
            return tensor;
          }};
}

PytorchContainer open_pytorch_legacy(const std::filesystem::path& path) {
  auto file = std::make_shared<InputFile>(path);
  PickleInput input(*file);
  check_legacy_preamble(input);
  Pickle pickle = read_pickle(input);
  const Pickle keys = read_pickle(input);
  auto begins = locate_storages(*file, pickle, keys, input.position());
  return {.pickle = std::move(pickle), .load = [file, begins = std::move(begins)](const PickleStorage& storage) {
            return tensor_from_file({storage.size}, storage.type, [&](std::span<std::byte> memory) {
              file->read_at(begins.at(storage.key), memory);
            });
          }};
}

}  // namespace iddpm
