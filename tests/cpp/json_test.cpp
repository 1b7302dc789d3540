#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/strings.h"
#include "nnseq/error.h"
#include "nnseq/shape.h"

namespace nnseq {
namespace {

std::string refusal(std::string_view text) {
  try {
    Json::parse(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFile);
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
    return e.what();
  }
  return "accepted";
}

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, WritesAndReadsBack) {
  Json json = Json::object();
  json.set("version", 1)
      .set("name", "dense \"1\"\\\n\x01 \xC3\xA9\xF0\x9F\x98\x80")
      .set("rate", 0.1)
      .set("one", 1.0)
      .set("flags", Json::Array{true, false, Json(), Json::array(), Json::object()})
      .set("low", std::numeric_limits<std::int64_t>::min());
  const std::string text = json.dump();
  EXPECT_EQ(
      text,
      "{\"version\":1,\"name\":\"dense \\\"1\\\"\\\\\\u000a\\u0001 \xC3\xA9\xF0\x9F\x98\x80\","
      "\"rate\":0.1,\"one\":1.0,\"flags\":[true,false,null,[],{}],"
      "\"low\":-9223372036854775808}");
  const Json back = Json::parse(text);
  EXPECT_EQ(back, json);
  EXPECT_EQ(back.dump(), text);
  EXPECT_TRUE(back.at("one").is_double());
  EXPECT_TRUE(back.at("version").is_int());
}

TEST(Json, SetReplacesInPlace) {
  Json json = Json::object();
  json.set("a", 1).set("b", 2).set("a", "x");
  EXPECT_EQ(json.dump(), "{\"a\":\"x\",\"b\":2}");
  Json list = Json::array();
  list.push_back(1);
  list.push_back(2.5);
  EXPECT_EQ(list.dump(), "[1,2.5]");
}

TEST(Json, DoublesRoundTripExactly) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0.0, -0.0, 5e-324, 1e-310, 1.7976931348623157e308, 1e22, 1e21, 0.3};
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) values.push_back(value);
  }
  for (double value : values) {
    const Json back = Json::parse(Json(value).dump());
    ASSERT_TRUE(back.is_double()) << Json(value).dump();
    const double read = back.as_double();
    EXPECT_EQ(std::memcmp(&read, &value, sizeof value), 0) << Json(value).dump();
  }
}

TEST(Json, ReadsWhatTheStandardAllows) {
  EXPECT_EQ(Json::parse(" [ 1 , -2 , 0 , 1.5e3 , 2E-1, 1e+2 ]\r\n\t").dump(),
            "[1,-2,0,1500.0,0.2,100.0]");
  EXPECT_EQ(Json::parse(R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00\u20AC")").as_string(),
            "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80\xE2\x82\xAC");
  EXPECT_EQ(Json::parse(R"("\u0000")").as_string(), std::string(1, '\0'));
  EXPECT_EQ(Json::parse("9223372036854775807").as_int(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(Json::parse("3").as_double(), 3.0);
  EXPECT_NO_THROW(Json::parse(nested(64)));
}

TEST(Json, RefusesWithTheByte) {
  EXPECT_EQ(refusal("[1 2]"), "JSON at byte 3: expected ',' or ']'");
  EXPECT_EQ(refusal("{\"a\":1 \"b\":2}"), "JSON at byte 7: expected ',' or '}'");
  EXPECT_EQ(refusal("{\"a\":1,\"b\":2,\"a\":3}"),
            "JSON at byte 19: the object that ends here has a key twice");
  EXPECT_EQ(refusal("1 1"), "JSON at byte 2: more text after the value");
  EXPECT_EQ(refusal(std::string("1\0", 2)), "JSON at byte 1: more text after the value");
  EXPECT_EQ(refusal(""), "JSON at byte 0: the text ends too early");
  EXPECT_EQ(refusal(nested(65)), "JSON at byte 64: nested deeper than 64");
  EXPECT_EQ(refusal(std::string(200'000, '[')), "JSON at byte 64: nested deeper than 64");
}

TEST(Json, RefusesEverythingElse) {
  for (const char* text : {" ",
                           "nul",
                           "nulll",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "+1",
                           "01",
                           "-",
                           "-01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x10",
                           "1e999",
                           "-1e999",
                           "9223372036854775808",
                           "[1,]",
                           "[,1]",
                           "[1",
                           "[",
                           "]",
                           "{",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{\"a\":1,}",
                           "{1:2}",
                           "[1}",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\",
                           "\"\\u12G4\"",
                           "\"\\u-123\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\ud800x\"",
                           "'a'",
                           "// c\n1",
                           "\"\t\"",
                           "\xEF\xBB\xBF"
                           "1",
                           "[1]x",
                           "{\"a\":1]",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xF4\x90\x80\x80\"",
                           "\"\x80\"",
                           "\"\xC3\"",
                           "\"\xE0\x80\x80\"",
                           "\"\xF5\x80\x80\x80\"",
                           "\"\xF0\x8F\xBF\xBF\"",
                           "\"\xE2\x82\""}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
  EXPECT_NE(refusal(std::string(1'000'000, '9')), "accepted");
  EXPECT_NE(refusal(std::string("\"a\0b\"", 5)), "accepted");
  EXPECT_NE(refusal(std::string("\xFF\xFE[\0]\0", 6)), "accepted");  // UTF-16
}

// Every prefix of a valid text, and every single changed byte, is read or refused, never worse.
TEST(Json, SurvivesDamage) {
  const std::string text = R"({"a":[1,-2.5e3,"\u00e9\n",{"b":null}],"c":{"d":true,"e":"x"}})";
  ASSERT_EQ(refusal(text), "accepted");
  for (std::size_t n = 0; n < text.size(); ++n) {
    EXPECT_NE(refusal(text.substr(0, n)), "accepted");
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = text;
      damaged[n] = static_cast<char>(byte);
      refusal(damaged);
    }
  }
}

TEST(Json, LargeObjectsStayFast) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += concat(i ? "," : "", "\"k", i, "\":", i);
  EXPECT_EQ(Json::parse(text + "}").members().size(), 200'000u);
  EXPECT_NE(refusal(text + ",\"k7\":1}"), "accepted");
}

TEST(Json, NamesBothKinds) {
  const Json json = Json::parse("{\"a\":[1]}");
  try {
    json.at("a").as_string();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kFile);
    EXPECT_STREQ(e.what(), "JSON: expected a string, got an array");
  }
  EXPECT_EQ(json.find("b"), nullptr);
  EXPECT_THROW(json.at("b"), Error);
  EXPECT_THROW(json.as_int(), Error);
  EXPECT_THROW(json.items(), Error);
  EXPECT_THROW(Json(1.5).as_int(), Error);
  EXPECT_THROW(Json(1).as_bool(), Error);
  EXPECT_THROW(Json("x").as_double(), Error);
  EXPECT_THROW(Json(1).members(), Error);
  EXPECT_THROW(Json(1).push_back(2), Error);
  EXPECT_THROW(Json(1).set("a", 2), Error);
}

TEST(Json, DoesNotWriteWhatItCannotRead) {
  EXPECT_THROW(Json(std::nan("")).dump(), Error);
  EXPECT_THROW(Json(std::numeric_limits<double>::infinity()).dump(), Error);
  EXPECT_THROW(Json("\xFF").dump(), Error);
  Json deep = Json::array();
  for (int i = 1; i < 64; ++i) deep = Json(Json::Array{deep});
  EXPECT_EQ(deep.dump(), nested(64));
  EXPECT_THROW(Json(Json::Array{deep}).dump(), Error);
}

TEST(Strings, ConcatAndJoin) {
  const std::string name = "dense";
  EXPECT_EQ(concat(name, '_', 1, ": x ", Shape{32, kUnknown}, ' ', 0.1, ' ', 0.1f, ' ', true),
            "dense_1: x (32, None) 0.1 0.1 true");
  EXPECT_EQ(concat(), "");
  EXPECT_EQ(join(std::vector<int>{1, 2, 3}, ", "), "1, 2, 3");
  EXPECT_EQ(join(std::vector<std::string>{}, ", "), "");
}

}  // namespace
}  // namespace nnseq
