#include "program/graph_json.h"

#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include "base/strings.h"
#include "ir/op_table.h"
#include "ir/print.h"

namespace nnseq {

namespace {

constexpr std::size_t kMaxScopes = 10'000;  // each is looked up among those before it

[[noreturn]] void bad(std::string what) { throw Error(ErrorKind::kFile, std::move(what)); }

std::string quoted(std::string_view name) { return concat("'", one_line(name, 80), "'"); }

template <std::size_t N>
int place_in(const std::string_view (&names)[N], const std::string& name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  bad("unknown name " + quoted(name));
}

Json dims_json(const Dims& dims) {
  Json j = Json::array();
  for (std::int64_t d : dims) j.push_back(d);
  return j;
}

Dims dims_from(const Json& j) {
  Dims dims;
  for (const Json& d : j.items()) dims.push_back(d.as_int());
  return dims;
}

// JSON has no infinities and NaN: they are written as text.
Json number_json(double x) {
  if (std::isfinite(x)) return Json(x);
  return Json(std::isnan(x) ? "nan" : x > 0 ? "inf" : "-inf");
}

double number_from(const Json& j) {
  if (!j.is_string()) return j.as_double();
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (j.as_string() == "inf") return kInf;
  if (j.as_string() == "-inf") return -kInf;
  if (j.as_string() == "nan") return std::numeric_limits<double>::quiet_NaN();
  bad(quoted(j.as_string()) + " is no number");
}

// Writes every field by name.
struct Writer {
  Json object = Json::object();
  std::vector<Tensor>& constants;

  void operator()(const char* name, const Dims& v) { object.set(name, dims_json(v)); }
  void operator()(const char* name, const std::string& v) { object.set(name, Json(v)); }
  void operator()(const char* name, bool v) { object.set(name, Json(v)); }
  void operator()(const char* name, std::int64_t v) { object.set(name, Json(v)); }
  void operator()(const char* name, double v) { object.set(name, number_json(v)); }
  void operator()(const char* name, float v) { object.set(name, number_json(v)); }
  void operator()(const char* name, UnaryFn v) { put(name, kUnaryNames, v); }
  void operator()(const char* name, BinaryFn v) { put(name, kBinaryNames, v); }
  void operator()(const char* name, ReduceFn v) { put(name, kReduceNames, v); }
  void operator()(const char* name, RandomDist v) { put(name, kRandomNames, v); }
  void operator()(const char* name, RecurrentCell v) { put(name, kCellNames, v); }
  void operator()(const char* name, UpdateKind v) { put(name, kUpdateNames, v); }
  void operator()(const char* name, Padding v) { put(name, kPaddingNames, v); }
  void operator()(const char* name, DType v) { object.set(name, Json(std::string(name_of(v)))); }
  void operator()(const char* name, const std::vector<float>& v) {
    Json list = Json::array();
    for (float x : v) list.push_back(number_json(x));
    object.set(name, std::move(list));
  }
  void operator()(const char* name, const std::shared_ptr<const Tensor>& v) {
    object.set(name, Json(static_cast<std::int64_t>(constants.size())));
    constants.push_back(*v);
  }
  void operator()(const char* name, const std::shared_ptr<const Graph>& v) {
    object.set(name, graph_to_json(*v, constants));
  }
  // Made by passes: a public graph holds none.
  void operator()(const char*, const EpilogueAttrs&) {}
  void operator()(const char*, const std::vector<ChainInstr>&) {}

 private:
  template <class E>
  void put(const char* name, std::span<const std::string_view> names, E value) {
    object.set(name, Json(std::string(names[static_cast<std::size_t>(value)])));
  }
};

// Reads every field; a missing or an unknown one is an error.
struct Reader {
  const Json& object;
  const std::vector<Tensor>& constants;
  std::size_t taken = 0;

  const Json& at(const char* name) {
    ++taken;
    return object.at(name);
  }
  void operator()(const char* name, Dims& v) { v = dims_from(at(name)); }
  void operator()(const char* name, std::string& v) { v = at(name).as_string(); }
  void operator()(const char* name, bool& v) { v = at(name).as_bool(); }
  void operator()(const char* name, std::int64_t& v) { v = at(name).as_int(); }
  void operator()(const char* name, double& v) { v = number_from(at(name)); }
  void operator()(const char* name, float& v) { v = static_cast<float>(number_from(at(name))); }
  void operator()(const char* name, UnaryFn& v) { get(name, kUnaryNames, v); }
  void operator()(const char* name, BinaryFn& v) { get(name, kBinaryNames, v); }
  void operator()(const char* name, ReduceFn& v) { get(name, kReduceNames, v); }
  void operator()(const char* name, RandomDist& v) { get(name, kRandomNames, v); }
  void operator()(const char* name, RecurrentCell& v) { get(name, kCellNames, v); }
  void operator()(const char* name, UpdateKind& v) { get(name, kUpdateNames, v); }
  void operator()(const char* name, Padding& v) { get(name, kPaddingNames, v); }
  void operator()(const char* name, DType& v) {
    const auto dtype = dtype_from(at(name).as_string());
    if (!dtype) bad("unknown dtype");
    v = *dtype;
  }
  void operator()(const char* name, std::vector<float>& v) {
    for (const Json& x : at(name).items()) v.push_back(static_cast<float>(number_from(x)));
  }
  void operator()(const char* name, std::shared_ptr<const Tensor>& v) {
    const std::int64_t i = at(name).as_int();
    if (i < 0 || i >= static_cast<std::int64_t>(constants.size())) bad("no such constant");
    v = std::make_shared<const Tensor>(constants[static_cast<std::size_t>(i)]);
  }
  void operator()(const char* name, std::shared_ptr<const Graph>& v) {
    v = std::make_shared<const Graph>(graph_from_json(at(name), constants));
  }
  void operator()(const char*, EpilogueAttrs&) {}
  void operator()(const char*, std::vector<ChainInstr>&) {}

 private:
  template <std::size_t N, class E>
  void get(const char* name, const std::string_view (&names)[N], E& value) {
    value = static_cast<E>(place_in(names, at(name).as_string()));
  }
};

Json attrs_to_json(const Attrs& attrs, std::vector<Tensor>& constants) {
  Writer w{Json::object(), constants};
  std::visit([&w](const auto& a) { a.visit(w); }, attrs);
  return std::move(w.object);
}

Attrs attrs_from_json(Op op, const Json& json, const std::vector<Tensor>& constants) {
  Attrs attrs = default_attrs(op);
  Reader r{json, constants};
  std::visit([&r](auto& a) { a.visit(r); }, attrs);
  if (r.taken != json.members().size()) bad(std::string(name_of(op)) + " has unknown attributes");
  return attrs;
}

Json value_json(Value v) {
  Json j = Json::array();
  j.push_back(static_cast<std::int64_t>(v.node));
  j.push_back(static_cast<std::int64_t>(v.out));
  return j;
}

Value value_from(const Graph& g, const Json& j) {
  if (j.items().size() != 2) bad("a value is a pair");
  const std::int64_t node = j.items()[0].as_int(), out = j.items()[1].as_int();
  if (node < 0 || node >= static_cast<std::int64_t>(g.nodes().size()) || out < 0 ||
      out >= static_cast<std::int64_t>(g.nodes()[static_cast<std::size_t>(node)].outputs.size())) {
    bad("a value that does not exist");
  }
  return {static_cast<std::int32_t>(node), static_cast<std::int32_t>(out)};
}

Json node_json(const Node& n, std::vector<Tensor>& constants) {
  if (!is_public(n.op)) {
    throw Error(ErrorKind::kValue, std::string(name_of(n.op)) + " cannot be saved");
  }
  Json j = Json::object();
  j.set("op", Json(std::string(name_of(n.op))));
  if (n.scope != 0) j.set("scope", Json(static_cast<std::int64_t>(n.scope)));
  Json inputs = Json::array();
  for (Value v : n.inputs) inputs.push_back(value_json(v));
  j.set("inputs", std::move(inputs));
  j.set("attrs", attrs_to_json(n.attrs, constants));
  if (n.op == Op::input) j.set("type", type_to_json(n.outputs[0]));
  return j;
}

void add_node(Graph& g, const Json& j, const std::vector<Tensor>& constants) {
  const auto op = op_from(j.at("op").as_string());
  if (!op || !is_public(*op)) bad("unknown op " + quoted(j.at("op").as_string()));
  Attrs attrs = attrs_from_json(*op, j.at("attrs"), constants);
  const Json* scope = j.find("scope");
  const std::int64_t at = scope != nullptr ? scope->as_int() : 0;
  if (at < 0 || at >= static_cast<std::int64_t>(g.scopes().size())) bad("no such scope");
  g.set_scope_index(static_cast<int>(at));
  std::vector<Value> inputs;
  for (const Json& v : j.at("inputs").items()) inputs.push_back(value_from(g, v));
  switch (*op) {
    case Op::input: {
      auto& a = std::get<InputAttrs>(attrs);
      if (a.index != static_cast<std::int64_t>(g.inputs().size())) bad("inputs out of order");
      g.input(a.name, type_from_json(j.at("type")));
      return;
    }
    case Op::constant:
      g.constant(*std::get<ConstantAttrs>(attrs).value);
      return;
    case Op::read: {
      const std::int64_t slot = std::get<ReadAttrs>(attrs).slot;
      if (slot < 0 || slot >= static_cast<std::int64_t>(g.slots().size())) bad("no such slot");
      const auto before = g.nodes().size();
      g.read(static_cast<int>(slot));
      if (g.nodes().size() == before) bad("a slot is read twice");
      return;
    }
    default:
      g.add(*op, std::move(inputs), std::move(attrs));
  }
}

}  // namespace

Json type_to_json(const TensorType& type) {
  Json j = Json::object();
  j.set("dtype", Json(std::string(name_of(type.dtype))));
  j.set("shape", dims_json({type.shape.begin(), type.shape.end()}));
  return j;
}

TensorType type_from_json(const Json& json) {
  const auto dtype = dtype_from(json.at("dtype").as_string());
  if (!dtype) bad("unknown dtype " + quoted(json.at("dtype").as_string()));
  TensorType type{*dtype, {}};
  for (std::int64_t d : dims_from(json.at("shape"))) {
    if (d < kUnknown || d > (std::int64_t{1} << 48)) bad("a dimension is out of range");
    type.shape.push_back(d);
  }
  return type;
}

Json graph_to_json(const Graph& graph, std::vector<Tensor>& constants) {
  Json slots = Json::array(), scopes = Json::array(), nodes = Json::array();
  for (const Slot& s : graph.slots()) {
    Json slot = type_to_json(s.type);
    slot.set("name", Json(s.name));
    slots.push_back(std::move(slot));
  }
  for (const std::string& s : graph.scopes()) scopes.push_back(Json(s));
  for (const Node& n : graph.nodes()) nodes.push_back(node_json(n, constants));
  Json outputs = Json::array(), assignments = Json::array();
  for (const Output& o : graph.outputs()) {
    Json output = Json::object();
    output.set("name", Json(o.name));
    output.set("value", value_json(o.value));
    outputs.push_back(std::move(output));
  }
  for (const auto& [slot, v] : graph.assignments()) {
    Json assignment = Json::object();
    assignment.set("slot", Json(static_cast<std::int64_t>(slot)));
    assignment.set("value", value_json(v));
    assignments.push_back(std::move(assignment));
  }
  Json j = Json::object();
  j.set("slots", std::move(slots));
  j.set("scopes", std::move(scopes));
  j.set("nodes", std::move(nodes));
  j.set("outputs", std::move(outputs));
  j.set("assignments", std::move(assignments));
  return j;
}

Graph graph_from_json(const Json& json, const std::vector<Tensor>& constants) {
  Graph g;
  for (const Json& s : json.at("slots").items()) {
    const TensorType type = type_from_json(s);
    if (!type.shape.is_known()) bad("a slot needs a known shape");
    g.add_slot({s.at("name").as_string(), type});
  }
  if (json.at("scopes").items().size() > kMaxScopes) bad("too many scopes");
  for (const Json& s : json.at("scopes").items()) g.set_scope(s.as_string());
  if (g.scopes().size() != json.at("scopes").items().size()) bad("scopes are not unique");
  for (const Json& n : json.at("nodes").items()) {
    try {
      add_node(g, n, constants);
    } catch (const Error& e) {
      bad(concat("node ", g.nodes().size(), ": ", e.what()));
    }
  }
  for (const Json& o : json.at("outputs").items()) {
    g.add_output(value_from(g, o.at("value")), o.at("name").as_string());
  }
  for (const Json& a : json.at("assignments").items()) {
    const std::int64_t slot = a.at("slot").as_int();
    if (slot < 0 || slot >= static_cast<std::int64_t>(g.slots().size())) bad("no such slot");
    g.assign(static_cast<int>(slot), value_from(g, a.at("value")));
  }
  g.verify();
  return g;
}

}  // namespace nnseq
