#include "src/report.h"

#include "sim/metrics/histogram.h"
#include "src/errors.h"
#include "src/report_json.h"
#include "src/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace tideline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

TEST(ReportTest, few_rows_are_all_drawn) { EXPECT_THAT(thinned_rows({{1, 2, 3}}, 3, 3), ElementsAre(0, 1, 2)); }

TEST(ReportTest, thinned_rows_keep_the_least_and_the_greatest_of_each_column_and_both_ends) {
  constexpr std::size_t rows = 50'000;
  std::vector<double> wave(rows), spikes(rows);
  for (std::size_t k = 0; k < rows; ++k) wave[k] = std::sin(static_cast<double>(k) / 3000);
  spikes[777] = 9;
  spikes[40'123] = -4;
  const auto kept = thinned_rows({wave, spikes}, rows, 2000);
  EXPECT_LE(kept.size(), 2000U);
  EXPECT_GT(kept.size(), 700U);
  EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end()));
  EXPECT_EQ(std::adjacent_find(kept.begin(), kept.end()), kept.end());
  const auto least = std::min_element(wave.begin(), wave.end()) - wave.begin();
  for (const std::size_t k : {std::size_t{0}, rows - 1, std::size_t{777}, std::size_t{40'123}, static_cast<std::size_t>(least)})
    EXPECT_TRUE(std::binary_search(kept.begin(), kept.end(), k)) << k;
}

TEST(ReportTest, a_gap_of_a_thinned_line_stays_one) {
  std::vector<double> column(10'000, 1.0);
  for (std::size_t k = 4000; k < 6000; ++k) column[k] = nan_value;
  const auto kept = thinned_rows({column}, column.size(), 100);
  EXPECT_GT(std::count_if(kept.begin(), kept.end(), [&](std::size_t k) { return std::isnan(column[k]); }), 5);
}

TEST(ReportTest, a_histogram_counts_up_to_a_duration_as_its_percentiles_say) {
  DurationHistogram h;
  EXPECT_EQ(h.count_up_to(1s), 0);
  for (int k = 1; k <= 1000; ++k) h.record(Duration{k * 1'000'003});
  EXPECT_EQ(h.count_up_to(1ms), 0);
  EXPECT_EQ(h.count_up_to(2s), 1000);
  for (const double p : {0.01, 0.1, 0.5, 0.9, 0.99}) EXPECT_NEAR(h.count_up_to(from_seconds(h.percentile_s(p))), 1000 * p, 4) << p;
}

TEST(ReportTest, numbers_are_written_short_and_what_is_not_finite_as_null) {
  EXPECT_EQ(rounded(0.123456789).dump(), "0.123457");
  EXPECT_EQ(rounded(1.0 / 3, 3).dump(), "0.333");
  EXPECT_EQ(rounded(2593528).dump(), "2593528");
  EXPECT_EQ(rounded(-0.0).dump(), "0");
  EXPECT_EQ(rounded(nan_value).dump(), "null");
  EXPECT_EQ(rounded(std::numeric_limits<double>::infinity()).dump(), "null");
}

TEST(ReportTest, errors_of_a_files_form_name_file_and_place) {
  const Json root = Json::parse(R"({"axes": [{"name": 3}]})");
  const std::string file = "manifest.json";
  const JsonPart part(file, root);
  try {
    (void)part.member("axes").elements()[0].member("name").text();
    FAIL();
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "manifest.json: /axes/0/name: expected a text");
  }
  try {
    (void)part.member("tasks");
    FAIL();
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "manifest.json: there is no \"tasks\" in it");
  }
}

TEST(ReportTest, texts_of_the_data_cannot_end_the_script_or_begin_an_element) {
  const std::string page =
      report_page({{"kind", "run"}, {"title", "a <b> & {{data}}"}, {"note", "</script><script>alert(1)</script><!--"}});
  EXPECT_THAT(page, HasSubstr("<title>a &lt;b> &amp; {{data}}</title>"));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("The MIT License"));
  EXPECT_THAT(page, Not(HasSubstr("{{page")));
}

}  // namespace
}  // namespace tideline
