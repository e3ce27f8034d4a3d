#include "iddpm/io/pickle_reader.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "iddpm/core/error.h"
#include "iddpm/io/pickle_globals.h"

namespace iddpm {

namespace {

constexpr int highest_protocol = 5;

// Values, stack, marks and memo are each held to the file's size: none of them takes less than a byte of it, unless the
// file is packed, as no program writes it.
constexpr std::uint64_t values_always_allowed = 10'000;
constexpr std::uint64_t most_values_ever = 4'000'000;

/// Operation codes, named as in Python's pickletools.
enum Operation : std::uint8_t {
  MARK = '(',
  STOP = '.',
  POP = '0',
  POP_MARK = '1',
  DUP = '2',
  BINBYTES = 'B',
  SHORT_BINBYTES = 'C',
  BINFLOAT = 'G',
  BININT = 'J',
  BININT1 = 'K',
  BININT2 = 'M',
  NONE = 'N',
  BINPERSID = 'Q',
  REDUCE = 'R',
  BINSTRING = 'T',
  SHORT_BINSTRING = 'U',
  BINUNICODE = 'X',
  EMPTY_LIST = ']',
  APPEND = 'a',
  BUILD = 'b',
  GLOBAL = 'c',
  DICT = 'd',
  APPENDS = 'e',
  BINGET = 'h',
  LONG_BINGET = 'j',
  LIST = 'l',
  BINPUT = 'q',
  LONG_BINPUT = 'r',
  SETITEM = 's',
  TUPLE = 't',
  SETITEMS = 'u',
  EMPTY_DICT = '}',
  EMPTY_TUPLE = ')',
  PROTO = 0x80,
  NEWOBJ = 0x81,
  TUPLE1 = 0x85,
  TUPLE2 = 0x86,
  TUPLE3 = 0x87,
  NEWTRUE = 0x88,
  NEWFALSE = 0x89,
  LONG1 = 0x8a,
  LONG4 = 0x8b,
  SHORT_BINUNICODE = 0x8c,
  BINUNICODE8 = 0x8d,
  BINBYTES8 = 0x8e,
  EMPTY_SET = 0x8f,
  ADDITEMS = 0x90,
  FROZENSET = 0x91,
  STACK_GLOBAL = 0x93,
  MEMOIZE = 0x94,
  FRAME = 0x95,
  BYTEARRAY8 = 0x96,
};

class StackMachine {
 public:
  explicit StackMachine(PickleInput& input)
      : input_(input), pickle_(input.name(), std::clamp(input.file_size(), values_always_allowed, most_values_ever)) {}

  Pickle run() {
    for (std::uint8_t operation = input_.byte(); operation != STOP; operation = input_.byte()) {
      if (!(build_number(operation) || build_text(operation) || build_container(operation) || remember(operation) ||
            build_object(operation))) {
        broken(fmt::format("its pickle's operation {:#04x} at byte {} is unknown", operation, input_.position() - 1));
      }
    }
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  using Items = std::vector<PickleValue*>;

  [[noreturn]] void broken(const std::string& reason) const { pickle_.fail(reason); }

  /// Throws Error if there are as many as may be.
  void check_room(std::size_t count, const char* what) const {
    if (count >= pickle_.most_values) broken(fmt::format("its pickle holds more than {} {}", count, what));
  }

  void push_value(PickleValue* value) {
    check_room(stack_.size(), "values at once");
    stack_.push_back(value);
  }

  template <typename Content>
  bool push(Content content) {
    push_value(pickle_.add({std::move(content)}));
    return true;
  }

  /// A value above the latest mark.
  PickleValue*& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) broken("its pickle takes a value where there is none");
    return stack_.back();
  }

  PickleValue* pop() {
    PickleValue* value = top();
    stack_.pop_back();
    return value;
  }

  Items pop_items(std::size_t count) {
    Items items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  /// What was pushed since the latest mark, which is taken away.
  Items pop_to_mark() {
    if (marks_.empty()) broken("its pickle looks for a mark where there is none");
    Items items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }

  template <typename Content>
  Content& top_as(const char* what) {
    auto* content = top()->get<Content>();
    if (content == nullptr) broken(fmt::format("its pickle adds to something that is not a {}", what));
    return *content;
  }

  void add_pairs(PickleDictionary& dictionary, const Items& items) {
    if (items.size() % 2 != 0) broken("a dictionary's key has no value");
    for (std::size_t i = 0; i < items.size(); i += 2) dictionary.items.emplace_back(items[i], items[i + 1]);
  }

  bool push_integer(std::uint64_t count) {
    const std::string bytes = input_.take(count);
    if (bytes.size() > 8) return push(PickleBigInteger{bytes});
    // The last byte's sign continues.
    std::uint64_t value = bytes.empty() || bytes.back() >= 0 ? 0 : ~std::uint64_t{0};
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    return push(static_cast<std::int64_t>(value));
  }

  bool build_number(std::uint8_t operation) {
    switch (operation) {
      case NONE:
        return push(PickleOpaque{});
      case NEWTRUE:
        return push(true);
      case NEWFALSE:
        return push(false);
      case BININT:
        return push(std::int64_t{static_cast<std::int32_t>(input_.integer(4))});
      case BININT1:
        return push(static_cast<std::int64_t>(input_.integer(1)));
      case BININT2:
        return push(static_cast<std::int64_t>(input_.integer(2)));
      case LONG1:
        return push_integer(input_.integer(1));
      case LONG4:
        return push_integer(input_.integer(4));
      case BINFLOAT: {
        std::uint64_t bits = 0;  // the only big-endian number in a pickle
        for (int i = 0; i < 8; ++i) bits = bits << 8 | input_.byte();
        return push(std::bit_cast<double>(bits));
      }
      default:
        return false;
    }
  }

  bool build_text(std::uint8_t operation) {
    switch (operation) {
      case SHORT_BINSTRING:
      case SHORT_BINUNICODE:
        return push(input_.take(input_.integer(1)));
      case BINSTRING:
      case BINUNICODE:
        return push(input_.take(input_.integer(4)));
      case BINUNICODE8:
        return push(input_.take(input_.integer(8)));
      case SHORT_BINBYTES:
        input_.take(input_.integer(1));
        return push(PickleOpaque{});
      case BINBYTES:
        input_.take(input_.integer(4));
        return push(PickleOpaque{});
      case BINBYTES8:
      case BYTEARRAY8:
        input_.take(input_.integer(8));
        return push(PickleOpaque{});
      default:
        return false;
    }
  }

  bool build_container(std::uint8_t operation) {
    switch (operation) {
      case MARK:
        check_room(marks_.size(), "open marks");
        marks_.push_back(stack_.size());
        return true;
      case EMPTY_TUPLE:
      case EMPTY_LIST:
      case EMPTY_SET:
        return push(PickleSequence{});
      case TUPLE:
      case LIST:
      case FROZENSET:
        return push(PickleSequence{pop_to_mark()});
      case TUPLE1:
      case TUPLE2:
      case TUPLE3:
        return push(PickleSequence{pop_items(static_cast<std::size_t>(operation - TUPLE1 + 1))});
      case APPEND: {
        PickleValue* item = pop();
        top_as<PickleSequence>("list").items.push_back(item);
        return true;
      }
      case APPENDS:
      case ADDITEMS: {
        const Items items = pop_to_mark();
        Items& list = top_as<PickleSequence>("list").items;
        list.insert(list.end(), items.begin(), items.end());
        return true;
      }
      case EMPTY_DICT:
        return push(PickleDictionary{});
      case DICT: {
        PickleDictionary dictionary;
        add_pairs(dictionary, pop_to_mark());
        return push(std::move(dictionary));
      }
      case SETITEM: {
        const Items pair = pop_items(2);
        add_pairs(top_as<PickleDictionary>("dictionary"), pair);
        return true;
      }
      case SETITEMS: {
        const Items pairs = pop_to_mark();
        add_pairs(top_as<PickleDictionary>("dictionary"), pairs);
        return true;
      }
      default:
        return false;
    }
  }

  bool put(std::uint64_t index) {
    check_room(memo_.size(), "stored values");
    memo_[index] = top();
    return true;
  }

  bool get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) broken(fmt::format("its pickle recalls value {}, which it has not stored", index));
    push_value(found->second);
    return true;
  }

  /// Operations on the stack as such and on the memo.
  bool remember(std::uint8_t operation) {
    switch (operation) {
      case PROTO: {
        const int protocol = input_.byte();
        require(protocol <= highest_protocol, ErrorKind::unsupported,
                "{} is of pickle protocol {}, expected at most {}", input_.name(), protocol, highest_protocol);
        return true;
      }
      case FRAME:
        input_.integer(8);
        return true;
      case POP:
        pop();
        return true;
      case POP_MARK:
        pop_to_mark();
        return true;
      case DUP:
        push_value(top());
        return true;
      case BINPUT:
        return put(input_.integer(1));
      case LONG_BINPUT:
        return put(input_.integer(4));
      case MEMOIZE:
        return put(memo_.size());
      case BINGET:
        return get(input_.integer(1));
      case LONG_BINGET:
        return get(input_.integer(4));
      default:
        return false;
    }
  }

  bool push_global(const std::string& module, const std::string& name) {
    std::string global = module + "." + name;
    check_global(global, pickle_);
    return push(PickleGlobal{std::move(global)});
  }

  bool build_object(std::uint8_t operation) {
    switch (operation) {
      case GLOBAL: {
        const std::string module = input_.line();
        return push_global(module, input_.line());
      }
      case STACK_GLOBAL: {
        const Items names = pop_items(2);
        const auto* module = names[0]->get<std::string>();
        const auto* name = names[1]->get<std::string>();
        if (module == nullptr || name == nullptr) broken("its pickle names a function without a name");
        return push_global(*module, *name);
      }
      case REDUCE:
      case NEWOBJ: {
        const Items call = pop_items(2);
        const auto* function = call[0]->get<PickleGlobal>();
        const auto* arguments = call[1]->get<PickleSequence>();
        if (function == nullptr || arguments == nullptr) broken("its pickle calls something that is no function");
        push_value(call_global(function->name, *arguments, pickle_));
        return true;
      }
      case BUILD:  // attributes of an object, such as a state dictionary's versions: not needed
        pop();
        top();
        return true;
      case BINPERSID:
        return push(storage_of(*pop(), pickle_));
      default:
        return false;
    }
  }

  PickleInput& input_;
  Pickle pickle_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
};

}  // namespace

Pickle read_pickle(PickleInput& input) { return StackMachine(input).run(); }

}  // namespace iddpm
