// The API over a fake cluster, asked without a socket.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "explainer/explainer.h"
#include "tests/unit/explainer/fake_cluster.h"

namespace aerodb::explainer::testing {

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(explainer.start().has_value()); }
  void send(http::HttpRequest request) {
    explainer.handle_http(request, [this](http::HttpResponse response) { answers.push_back(std::move(response)); });
  }
  void send_get(std::string_view target) {
    http::HttpRequest request;
    request.method = "GET";
    ASSERT_TRUE(http::parse_target(target, request).has_value());
    send(std::move(request));
  }
  http::HttpResponse get(std::string_view target) {
    const size_t before = answers.size();
    send_get(target);
    cluster.runtime.run();
    if (answers.size() == before) cluster.runtime.pass_ms(5000);
    AERODB_ASSERT(answers.size() == before + 1);
    return answers.back();
  }
  // "STATUS CODE" of an error, "200" of an answer.
  static std::string outcome(const http::HttpResponse& response) {
    constexpr std::string_view kHead = R"({"api_version":1,"error":{"code":")";
    if (!response.body.starts_with(kHead)) return std::to_string(response.status);
    const std::string rest = response.body.substr(kHead.size());
    return std::to_string(response.status) + " " + rest.substr(0, rest.find('"'));
  }

  // A page of two files.
  static std::span<const UiFile> files() {
    static const UiFile kFiles[] = {{"/", "text/html; charset=utf-8", bytes_of("<html>")},
                                    {"/documents", "text/html; charset=utf-8", bytes_of("<html>")}};
    return kFiles;
  }
  static std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
  }

  FakeCluster cluster;
  Explainer explainer{cluster.runtime, FakeCluster::config(), "0", files()};
  std::vector<http::HttpResponse> answers;
};

}  // namespace aerodb::explainer::testing
