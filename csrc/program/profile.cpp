// Profiles: the steps of a Program described by the op table, their times, and the table as text.
#include "nnseq/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <tuple>

#include "cpu/kernel_table.h"
#include "ir/op_table.h"
#include "ir/print.h"
#include "program/program_impl.h"

namespace nnseq {

namespace {

std::string shapes_text(std::span<const TensorType> in, std::span<const TensorType> out) {
  static constexpr std::size_t kShown = 4;  // an update has hundreds
  auto list = [](std::span<const TensorType> types) {
    std::string s;
    for (std::size_t i = 0; i < std::min(types.size(), kShown); ++i) {
      s += (i ? ", " : "") + to_string(types[i].shape);
      if (types[i].dtype != DType::kFloat32) s += " " + std::string(name_of(types[i].dtype));
    }
    if (types.size() > kShown) s += ", ... " + std::to_string(types.size());
    return s;
  };
  return list(in) + (in.empty() ? "-> " : " -> ") + list(out);
}

double bytes_of(std::span<const TensorType> types) {
  double bytes = 0;
  for (const TensorType& t : types) bytes += static_cast<double>(t.bytes());
  return bytes;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

// "95.1 GFLOP/s", or "8.20 GB/s" for what computes next to nothing.
std::string rate_text(const Profile::Row& row) {
  const double work = row.flops > 0 ? row.flops : row.bytes;
  if (work <= 0 || row.seconds <= 0) return "";
  return fixed(work / row.seconds * 1e-9, row.flops > 0 ? 1 : 2) +
         (row.flops > 0 ? " GFLOP/s" : " GB/s");
}

}  // namespace

void StepTimes::add(const StepTimes& other) {
  ns.resize(std::max(ns.size(), other.ns.size()));
  for (std::size_t i = 0; i < other.ns.size(); ++i) ns[i] += other.ns[i];
  total_ns += other.total_ns;
  runs += other.runs;
}

Profile::Row ProgramImpl::describe(const Step& s) const {
  const std::span<const TensorType> types(types_);
  const auto in =
      types.subspan(static_cast<std::size_t>(s.first), static_cast<std::size_t>(s.num_in));
  const auto out = types.subspan(static_cast<std::size_t>(s.first + s.num_in),
                                 static_cast<std::size_t>(s.num_out));
  Profile::Row row;
  row.shapes = shapes_text(in, out);
  row.bytes = bytes_of(in) + bytes_of(out);
  if (s.node < 0) {
    row.op = "copy";
    return row;
  }
  const Node& n = graph_.nodes()[static_cast<std::size_t>(s.node)];
  row.op = name_of(n.op);
  row.layer = graph_.scope_of(n);
  const WorkRule rule = op_info(n.op).work;
  Work work;
  if (rule != nullptr) work = rule({n, in, kernels_});
  row.flops = work.flops;
  if (work.bytes >= 0) row.bytes = work.bytes;
  row.kernel = work.kernel.empty() ? attrs_text(n.attrs) : std::move(work.kernel);
  row.refused = std::move(work.refused);
  return row;
}

Profile ProgramImpl::profile(const StepTimes& times) const {
  Profile p;
  p.runs = times.runs;
  p.isa = kernels_.isa;
  p.memory = plan_.arena_bytes + scratch_;
  const double per_run = 1e-9 / static_cast<double>(std::max<std::int64_t>(times.runs, 1));
  p.seconds = static_cast<double>(times.total_ns) * per_run;
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  std::map<Key, std::size_t> places;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Profile::Row row = describe(steps_[i]);
    if (i < times.ns.size()) row.seconds = static_cast<double>(times.ns[i]) * per_run;
    const auto [place, is_new] =
        places.try_emplace({row.layer, row.op, row.shapes, row.kernel, row.refused}, p.rows.size());
    if (is_new) {
      p.rows.push_back(std::move(row));
      continue;
    }
    Profile::Row& same = p.rows[place->second];
    ++same.steps;
    same.flops += row.flops;
    same.bytes += row.bytes;
    same.seconds += row.seconds;
  }
  return p;
}

void ProgramImpl::tell(const std::function<void(const std::string&)>& log, Session& session) const {
  StepTimes known;
  {
    std::lock_guard guard(mutex_);
    times_.add(session.times);
    std::int64_t due = 1;
    while (due < times_.runs) due *= 10;
    if (times_.runs != due) return;
    known = times_;
  }
  log(profile(known).to_string());
}

std::string Profile::title() const {
  double in_steps = 0;
  std::int64_t steps = 0;
  for (const Row& row : rows) {
    in_steps += row.seconds;
    steps += row.steps;
  }
  return fixed(seconds * 1e3, 3) + " ms per run (mean of " + std::to_string(runs) + "), " +
         fixed(in_steps * 1e3, 3) + " ms in " + std::to_string(steps) + " steps; " + isa + ", " +
         fixed(static_cast<double>(memory) / 1e6, 2) + " MB of activations and scratch";
}

const std::vector<std::string>& Profile::header() {
  static const std::vector<std::string> names = {"us", "%",      "rate",   "steps",  "layer",
                                                 "op", "shapes", "kernel", "refused"};
  return names;
}

std::vector<std::vector<std::string>> Profile::cells() const {
  double total = 0;
  for (const Row& row : rows) total += row.seconds;
  std::vector<std::vector<std::string>> table;
  for (const Row& row : rows) {
    table.push_back({fixed(row.seconds * 1e6, 1),
                     fixed(total > 0 ? 100 * row.seconds / total : 0, 1), rate_text(row),
                     std::to_string(row.steps), row.layer, row.op, row.shapes, row.kernel,
                     row.refused});
  }
  return table;
}

std::string Profile::to_string() const {
  constexpr std::size_t kNumbers = 4;  // the first columns are aligned right
  auto table = cells();
  table.insert(table.begin(), header());
  std::vector<std::size_t> widths(header().size());
  for (const auto& line : table) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text = title() + "\n";
  for (const auto& line : table) {
    std::string row;
    for (std::size_t c = 0; c < line.size(); ++c) {
      const std::string blanks(widths[c] - line[c].size(), ' ');
      row += (c ? "  " : "") + (c < kNumbers ? blanks + line[c] : line[c] + blanks);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

}  // namespace nnseq
