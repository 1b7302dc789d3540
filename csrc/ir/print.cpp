#include <charconv>
#include <cstring>
#include <type_traits>

#include "ir/op_table.h"
#include "ir/print.h"

namespace nnseq {

namespace {

std::string number(double x) {
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, x).ptr;
  return {text, end};
}
std::string number(float x) {
  char text[32];
  auto end = std::to_chars(text, text + sizeof text, x).ptr;
  return {text, end};
}

std::string list(const Dims& dims) {
  std::string s = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i) s += ", ";
    s += dims[i] <= kHostSize ? "host" + std::to_string(kHostSize - dims[i])
                              : std::to_string(dims[i]);
  }
  return s + "]";
}

std::string unary_text(int fn, float alpha) {
  const std::string name(kUnaryNames[fn]);
  return alpha == 0 ? name : name + "(" + number(alpha) + ")";
}

std::string code_text(const std::vector<ChainInstr>& code) {
  std::string s = "{";
  for (const ChainInstr& i : code) {
    if (s.size() > 1) s += "; ";
    auto r = [](int reg) { return "r" + std::to_string(reg); };
    switch (i.kind) {
      case ChainInstr::Kind::kUnary:
        s += unary_text(i.fn, i.alpha) + " " + r(i.a);
        break;
      case ChainInstr::Kind::kUnaryGrad:
        s += unary_text(i.fn, i.alpha) + "' " + r(i.a) + " " + r(i.b);
        break;
      case ChainInstr::Kind::kBinary:
        s += std::string(kBinaryNames[i.fn]) + " " + r(i.a) + " " + r(i.b);
        break;
      case ChainInstr::Kind::kSelect:
        s += "select " + r(i.a) + " " + r(i.b) + " " + r(i.c);
        break;
    }
  }
  return s + "}";
}

// Appends "name=value" for each field that differs from the default.
struct Printer {
  std::string text;

  template <class T>
  void field(const char* name, const T& value) {
    if (!text.empty()) text += ", ";
    text += std::string(name) + "=";
    if constexpr (std::is_same_v<T, Dims>) {
      text += list(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      text += "'" + value + "'";
    } else if constexpr (std::is_same_v<T, bool>) {
      text += value ? "true" : "false";
    } else if constexpr (std::is_same_v<T, UnaryFn>) {
      text += kUnaryNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, BinaryFn>) {
      text += kBinaryNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, DType>) {
      text += name_of(value);
    } else if constexpr (std::is_same_v<T, Padding>) {
      text += kPaddingNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, ReduceFn>) {
      text += kReduceNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, RandomDist>) {
      text += kRandomNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, RecurrentCell>) {
      text += kCellNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, UpdateKind>) {
      text += kUpdateNames[static_cast<int>(value)];
    } else if constexpr (std::is_same_v<T, EpilogueAttrs>) {
      text += value.bias ? "bias" : "";
      if (value.fn) {
        text += (value.bias ? "+" : "") + unary_text(static_cast<int>(*value.fn), value.alpha);
      }
    } else if constexpr (std::is_same_v<T, std::vector<ChainInstr>>) {
      text += code_text(value);
    } else if constexpr (std::is_same_v<T, std::vector<float>>) {
      text += "[";
      for (std::size_t i = 0; i < value.size(); ++i) text += (i ? ", " : "") + number(value[i]);
      text += "]";
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Tensor>>) {
      text += constant_text(*value);
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
      text += "{\n" + to_string(*value) + "}";
    } else if constexpr (std::is_floating_point_v<T>) {
      text += number(value);
    } else {
      text += std::to_string(value);
    }
  }

  static std::string constant_text(const Tensor& t) {
    if (t.type().count() != 1) return "...";
    switch (t.dtype()) {
      case DType::kFloat32:
        return number(t.item<float>());
      case DType::kFloat64:
        return number(t.item<double>());
      case DType::kInt32:
        return std::to_string(t.item<std::int32_t>());
      case DType::kInt64:
        return std::to_string(t.item<std::int64_t>());
      case DType::kUInt8:
      case DType::kBool:
        return std::to_string(t.item<std::uint8_t>());
    }
    return "?";
  }
};

std::string value_name(Value v) {
  std::string s = "%" + std::to_string(v.node);
  return v.out ? s + "." + std::to_string(v.out) : s;
}

}  // namespace

std::string to_string(const TensorType& type) {
  return std::string(name_of(type.dtype)) + " " + to_string(type.shape);
}

std::string attrs_text(const Attrs& attrs) {
  Printer p;
  std::visit(
      [&p](const auto& a) {
        const std::remove_cvref_t<decltype(a)> defaults{};
        a.visit([&](const char* name, const auto& field) {
          bool same = false;
          defaults.visit([&](const char* other, const auto& value) {
            if constexpr (std::is_same_v<decltype(field), decltype(value)>) {
              if (std::strcmp(name, other) == 0) same = field == value;
            }
          });
          if (!same) p.field(name, field);
        });
      },
      attrs);
  return p.text;
}

std::string node_text(const Graph& graph, std::int32_t index) {
  const Node& n = graph.nodes()[static_cast<std::size_t>(index)];
  std::string s = "%" + std::to_string(index) + " = " + std::string(name_of(n.op)) + "(";
  for (std::size_t i = 0; i < n.inputs.size(); ++i) {
    s += (i ? ", " : "") + value_name(n.inputs[i]);
  }
  s += ")";
  std::string attrs = attrs_text(n.attrs);
  if (!attrs.empty()) s += " [" + attrs + "]";
  s += " :";
  for (std::size_t k = 0; k < n.outputs.size(); ++k) {
    s += (k ? ", " : " ") + to_string(n.outputs[k]);
  }
  const std::string& scope = graph.scope_of(n);
  return scope.empty() ? s : s + "  # " + scope;
}

std::string to_string(const Graph& graph) {
  std::string s;
  for (std::size_t i = 0; i < graph.slots().size(); ++i) {
    s += "slot " + std::to_string(i) + " '" + graph.slots()[i].name +
         "' : " + to_string(graph.slots()[i].type) + "\n";
  }
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    s += node_text(graph, static_cast<std::int32_t>(i)) + "\n";
  }
  for (const auto& [slot, v] : graph.assignments()) {
    s += "assign slot " + std::to_string(slot) + " = " + value_name(v) + "\n";
  }
  for (const Output& o : graph.outputs()) {
    s += "output '" + o.name + "' = " + value_name(o.value) + "\n";
  }
  return s;
}

}  // namespace nnseq
