#include "iddpm/io/pickle_globals.h"

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/input_file.h"
#include "iddpm/io/tensor_bytes.h"

namespace iddpm {

namespace {

const std::map<std::string, at::ScalarType>& storage_types() {
  static const std::map<std::string, at::ScalarType> types = {
      {"torch.FloatStorage", at::kFloat},         {"torch.DoubleStorage", at::kDouble},
      {"torch.HalfStorage", at::kHalf},           {"torch.BFloat16Storage", at::kBFloat16},
      {"torch.LongStorage", at::kLong},           {"torch.IntStorage", at::kInt},
      {"torch.ShortStorage", at::kShort},         {"torch.CharStorage", at::kChar},
      {"torch.ByteStorage", at::kByte},           {"torch.BoolStorage", at::kBool},
      {"torch.storage.UntypedStorage", at::kByte}};
  return types;
}

/// Names of types that may stand in a pickle as themselves.
const std::set<std::string>& type_names() {
  static const std::set<std::string> names = {"torch.float32", "torch.float64", "torch.float16",   "torch.bfloat16",
                                              "torch.int64",   "torch.int32",   "torch.int16",     "torch.int8",
                                              "torch.uint8",   "torch.bool",    "torch.complex64", "torch.complex128"};
  return names;
}

// Arguments and items are values of the same pickle. What a function returns may be one of them: copies of long lists
// would let a short file take much memory.
using Function = PickleValue* (*)(const PickleSequence& arguments, Pickle& pickle);

std::int64_t integer_of(const PickleValue& value, const Pickle& pickle) {
  const auto* integer = value.get<std::int64_t>();
  if (integer == nullptr) pickle.fail("a number is expected where there is none");
  return *integer;
}

std::vector<std::int64_t> integers_of(const PickleValue& value, const Pickle& pickle) {
  const auto* sequence = value.get<PickleSequence>();
  if (sequence == nullptr || sequence->items.size() > most_dimensions) pickle.fail("a tensor's shape is none");
  std::vector<std::int64_t> integers;
  for (const PickleValue* item : sequence->items) integers.push_back(integer_of(*item, pickle));
  return integers;
}

/// _rebuild_tensor(storage, offset, shape, strides, ...): what follows (requires_grad, hooks, metadata) is of no use
/// here.
PickleValue* rebuild_tensor(const PickleSequence& arguments, Pickle& pickle) {
  const auto& items = arguments.items;
  const auto* view = items.size() < 4 ? nullptr : items[0]->get<PickleStorageView>();
  if (view == nullptr) pickle.fail("a tensor has no storage");
  return pickle.add({PickleTensor{.view = *view,
                                  .offset = integer_of(*items[1], pickle),
                                  .shape = integers_of(*items[2], pickle),
                                  .strides = integers_of(*items[3], pickle)}});
}

/// _rebuild_parameter(tensor, requires_grad, hooks)
PickleValue* rebuild_parameter(const PickleSequence& arguments, Pickle& pickle) {
  if (arguments.items.empty() || arguments.items[0]->get<PickleTensor>() == nullptr) {
    pickle.fail("a parameter has no tensor");
  }
  return arguments.items[0];
}

/// OrderedDict() or OrderedDict([[key, value], ...]), as Python 2 pickled it.
PickleValue* make_ordered_dictionary(const PickleSequence& arguments, Pickle& pickle) {
  PickleDictionary dictionary;
  if (!arguments.items.empty()) {
    auto* pairs = arguments.items[0]->get<PickleSequence>();
    if (pairs == nullptr) pickle.fail("a dictionary's items are none");
    // The list was made for this call alone; emptied, it can't be asked for again and again.
    for (const PickleValue* item : std::exchange(pairs->items, {})) {
      const auto* pair = item->get<PickleSequence>();
      if (pair == nullptr || pair->items.size() != 2) pickle.fail("a dictionary's items are none");
      dictionary.items.emplace_back(pair->items[0], pair->items[1]);
    }
  }
  return pickle.add({std::move(dictionary)});
}

/// defaultdict(factory) and dict(): the items follow.
PickleValue* make_dictionary(const PickleSequence&, Pickle& pickle) { return pickle.add({PickleDictionary{}}); }

/// set(items), torch.Size(items)
PickleValue* make_sequence(const PickleSequence& arguments, Pickle& pickle) {
  if (arguments.items.empty()) return pickle.add({PickleSequence{}});
  if (arguments.items[0]->get<PickleSequence>() == nullptr) pickle.fail("a list's items are none");
  return arguments.items[0];
}

PickleValue* make_opaque(const PickleSequence&, Pickle& pickle) { return pickle.add({PickleOpaque{}}); }

const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> known = {
      {"torch._utils._rebuild_tensor", rebuild_tensor},
      {"torch._utils._rebuild_tensor_v2", rebuild_tensor},
      {"torch._utils._rebuild_parameter", rebuild_parameter},
      {"torch._utils._rebuild_parameter_with_state", rebuild_parameter},
      {"torch.Size", make_sequence},
      {"torch.device", make_opaque},
      {"_codecs.encode", make_opaque},  // how protocol 2 writes bytes
      {"collections.OrderedDict", make_ordered_dictionary},
      {"collections.defaultdict", make_dictionary},
      {"builtins.dict", make_dictionary},
      {"builtins.list", make_sequence},
      {"builtins.set", make_sequence},
      {"builtins.frozenset", make_sequence},
      {"__builtin__.dict", make_dictionary},
      {"__builtin__.list", make_sequence},
      {"__builtin__.set", make_sequence},
      {"__builtin__.frozenset", make_sequence},
  };
  return known;
}

/// Offset and size in elements from the sixth field of the older format's ids: None or (key, offset, size).
std::optional<std::pair<std::int64_t, std::int64_t>> view_of(const PickleSequence& id, const Pickle& pickle) {
  const auto* fields = id.items.size() < 6 ? nullptr : id.items[5]->get<PickleSequence>();
  if (fields == nullptr) return std::nullopt;
  if (fields->items.size() != 3) pickle.fail("a storage's view is none");
  return std::pair(integer_of(*fields->items[1], pickle), integer_of(*fields->items[2], pickle));
}

}  // namespace

void check_global(const std::string& global, const Pickle& pickle) {
  require(functions().contains(global) || storage_types().contains(global) || type_names().contains(global),
          "{} asks for {}, which no state dictionary needs; it is refused, and nothing of the file was executed",
          pickle.name, quote(global));
}

PickleValue* call_global(const std::string& global, const PickleSequence& arguments, Pickle& pickle) {
  const auto found = functions().find(global);
  if (found == functions().end()) pickle.fail(fmt::format("{} is used as a function", quote(global)));
  return found->second(arguments, pickle);
}

PickleStorageView storage_of(const PickleValue& persistent_id, Pickle& pickle) {
  const auto* id = persistent_id.get<PickleSequence>();
  if (id == nullptr || id->items.size() < 5) pickle.fail("a storage's identity is damaged");
  const auto* tag = id->items[0]->get<std::string>();
  const auto* type = id->items[1]->get<PickleGlobal>();
  const auto* key = id->items[2]->get<std::string>();
  const auto found = type == nullptr ? storage_types().end() : storage_types().find(type->name);
  if (tag == nullptr || *tag != "storage" || key == nullptr || found == storage_types().end()) {
    pickle.fail("a storage's identity is damaged");
  }
  const PickleStorage claimed = {.key = *key, .type = found->second, .size = integer_of(*id->items[4], pickle)};
  require(byte_count({claimed.size}, claimed.type).has_value(), ErrorKind::damaged_file,
          "{} claims a storage {} of {} elements", pickle.name, quote(*key), claimed.size);
  const PickleStorage& storage = pickle.storages.emplace(*key, claimed).first->second;
  if (storage.type != claimed.type || storage.size != claimed.size) {
    pickle.fail(fmt::format("storage {} is described in two ways", quote(*key)));
  }
  PickleStorageView view = {.storage = &storage, .offset = 0, .size = storage.size};
  if (const auto part = view_of(*id, pickle)) {
    view.offset = part->first;
    view.size = part->second;
    require(
        view.offset >= 0 && view.size >= 0 && view.offset <= storage.size && view.size <= storage.size - view.offset,
        "{} claims {} elements from {} on of storage {}, which has {}", pickle.name, view.size, view.offset,
        quote(*key), storage.size);
  }
  return view;
}

}  // namespace iddpm
