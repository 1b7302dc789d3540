// Attributes as Python dicts: visitors over the fields.
#include <set>
#include <type_traits>

#include "bindings/core.h"
#include "ir/print.h"

namespace nnseq::python {

namespace {

template <class E, std::size_t N>
E enum_from(const py::handle& value, const std::string_view (&names)[N], const char* field) {
  const auto name = py::cast<std::string>(value);
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<E>(i);
  }
  throw Error(ErrorKind::kValue, std::string("unknown ") + field + " '" + name + "'");
}

struct FromDict {
  const py::dict& dict;
  std::set<std::string> taken;

  template <class T>
  void operator()(const char* name, T& field) {
    if (!dict.contains(name)) return;
    taken.insert(name);
    const py::handle value = dict[name];
    if constexpr (std::is_same_v<T, UnaryFn>) {
      field = enum_from<UnaryFn>(value, kUnaryNames, name);
    } else if constexpr (std::is_same_v<T, BinaryFn>) {
      field = enum_from<BinaryFn>(value, kBinaryNames, name);
    } else if constexpr (std::is_same_v<T, ReduceFn>) {
      field = enum_from<ReduceFn>(value, kReduceNames, name);
    } else if constexpr (std::is_same_v<T, RandomDist>) {
      field = enum_from<RandomDist>(value, kRandomNames, name);
    } else if constexpr (std::is_same_v<T, RecurrentCell>) {
      field = enum_from<RecurrentCell>(value, kCellNames, name);
    } else if constexpr (std::is_same_v<T, UpdateKind>) {
      field = enum_from<UpdateKind>(value, kUpdateNames, name);
    } else if constexpr (std::is_same_v<T, Padding>) {
      field = enum_from<Padding>(value, kPaddingNames, name);
    } else if constexpr (std::is_same_v<T, DType>) {
      field = dtype_from_name(py::cast<std::string>(value));
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
      field = py::cast<std::shared_ptr<Graph>>(value);
    } else if constexpr (is_plain<T>) {
      field = py::cast<T>(value);
    } else {
      throw Error(ErrorKind::kValue, std::string(name) + " cannot be set from Python");
    }
  }

  template <class T>
  static constexpr bool is_plain =
      std::is_arithmetic_v<T> || std::is_same_v<T, Dims> || std::is_same_v<T, std::string> ||
      std::is_same_v<T, std::vector<float>>;
};

struct ToDict {
  py::dict dict;

  template <class T>
  void operator()(const char* name, const T& field) {
    if constexpr (std::is_same_v<T, UnaryFn>) {
      dict[name] = kUnaryNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, BinaryFn>) {
      dict[name] = kBinaryNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, ReduceFn>) {
      dict[name] = kReduceNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, RandomDist>) {
      dict[name] = kRandomNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, RecurrentCell>) {
      dict[name] = kCellNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, UpdateKind>) {
      dict[name] = kUpdateNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, Padding>) {
      dict[name] = kPaddingNames[static_cast<int>(field)];
    } else if constexpr (std::is_same_v<T, DType>) {
      dict[name] = name_of(field);
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
      dict[name] = std::make_shared<Graph>(*field);  // a copy: the caller may change it
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Tensor>>) {
      dict[name] = to_numpy(*field);
    } else if constexpr (FromDict::is_plain<T>) {
      dict[name] = field;
    }
  }
};

}  // namespace

Op op_from_name(const std::string& name) {
  if (auto op = op_from(name)) return *op;
  throw Error(ErrorKind::kValue, "unknown op '" + name + "'");
}

Attrs attrs_from(Op op, const py::dict& dict) {
  Attrs attrs = default_attrs(op);
  FromDict reader{dict, {}};
  std::visit([&reader](auto& a) { a.visit(reader); }, attrs);
  for (auto [key, value] : dict) {
    const auto name = py::cast<std::string>(key);
    if (reader.taken.count(name) == 0) {
      throw Error(ErrorKind::kType, std::string(name_of(op)) + " has no attribute '" + name + "'");
    }
  }
  return attrs;
}

py::dict attrs_to_dict(const Attrs& attrs) {
  ToDict writer;
  std::visit([&writer](const auto& a) { a.visit(writer); }, attrs);
  return writer.dict;
}

}  // namespace nnseq::python
