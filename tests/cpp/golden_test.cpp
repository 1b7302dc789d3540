// Printed Programs of three models on the scalar ISA with one thread, compared with golden/*.txt.
// After an intended change: nnseq_tests --regenerate_golden --gtest_filter='Golden.*'
#include "golden.h"

#include <fstream>
#include <sstream>

#include "graphs.h"

namespace nnseq {
namespace {

using namespace testing;

void compare(const std::string& name, Builder b, const std::vector<TensorType>& types) {
  const std::string path = std::string(NNSEQ_TEST_DIR) + "/golden/" + name + ".txt";
  const auto program = b.function()->program(types);
  const std::string text = program->to_string() +
                           "scratch: " + std::to_string(program->scratch_bytes()) +
                           " bytes for one thread\n";
  if (regenerate_golden) {
    std::ofstream(path) << text;
    return;
  }
  std::stringstream golden;
  golden << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, golden.str()) << "differs from golden/" << name << ".txt";
}

std::shared_ptr<Context> scalar() { return make_context({1, "scalar", "cpu", ""}); }

TEST(Golden, MlpAdam) { compare("mlp_adam", mlp(scalar()), {f32({8, 7}), i32({8})}); }
TEST(Golden, ConvNet) { compare("conv_net", conv_net(scalar()), {f32({4, 8, 8, 2}), i32({4})}); }
TEST(Golden, SimpleRnnByScan) { compare("simple_rnn", rnn(scalar()), {f32({2, 3, 3})}); }

}  // namespace
}  // namespace nnseq
