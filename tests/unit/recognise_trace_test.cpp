#include "sim/model/arrival.h"
#include "traces/recognise.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>
#include <string>

namespace tideline {
namespace {

std::string recognised(const std::string& text) {
  std::istringstream in(text);
  try {
    return recognise_trace(in) == TraceFormat::csv ? "csv" : "counts";
  } catch (const SourceError& e) {
    return e.what();
  }
}

TEST(RecogniseTrace, a_header_tells) {
  EXPECT_EQ(recognised("timestamp\n1\n"), "csv");
  EXPECT_EQ(recognised("# a comment\n\nbytes,timestamp,task\n"), "csv");
  EXPECT_EQ(recognised("second,count\n0,4\n"), "counts");
  EXPECT_EQ(recognised("value,window_start_s\n"), "counts");
  EXPECT_EQ(recognised("\"minute\",\"count\"\n"), "counts");
}

TEST(RecogniseTrace, rows_without_a_header_tell) {
  EXPECT_EQ(recognised("0.5,detect,100\n"), "csv");
  EXPECT_EQ(recognised("12,detect\n"), "csv");
  EXPECT_EQ(recognised("[5, 0, 8]"), "counts");
  EXPECT_EQ(recognised("12 15 9\n31 28\n"), "counts");
}

TEST(RecogniseTrace, one_column_tells_by_fractions_and_order) {
  EXPECT_EQ(recognised("0\n1\n1.5\n"), "csv");
  EXPECT_EQ(recognised("1e-3\n"), "csv");
  EXPECT_EQ(recognised("3\n0\n5\n"), "counts") << "times are sorted";
  EXPECT_THAT(recognised("1\n2\n2\n"), testing::HasSubstr("can be times (source csv) or counts (source counts)"));
  EXPECT_THAT(recognised("7"), testing::HasSubstr("can be times"));
}

TEST(RecogniseTrace, says_why_it_could_be_neither) {
  EXPECT_EQ(recognised(""), "it has no rows");
  EXPECT_EQ(recognised("# nothing\n"), "it has no rows");
  EXPECT_THAT(recognised("hour,count\n"), testing::HasSubstr("its header has neither of the columns that tell: 'timestamp'"));
  EXPECT_THAT(recognised("timestamp,second,count\n"), testing::HasSubstr("its header has the columns of both"));
  EXPECT_THAT(recognised(std::string("\x7f\x45\0\1", 4)), testing::HasSubstr("row 1"));
}

TEST(RecogniseTrace, knows_the_samples) {
  const auto sample = [](const std::string& name) {
    std::ifstream in(std::string(TIDELINE_SOURCE_DIR) + "/traces/samples/" + name);
    return recognise_trace(in);
  };
  EXPECT_EQ(sample("arrivals.csv"), TraceFormat::csv);
  EXPECT_EQ(sample("arrivals_plain_ms.csv"), TraceFormat::csv);
  for (const char* name : {"per_minute.txt", "per_second.csv", "per_second_list.json"})
    EXPECT_EQ(sample(name), TraceFormat::counts) << name;
}

}  // namespace
}  // namespace tideline
