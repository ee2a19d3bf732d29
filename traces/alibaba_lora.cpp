// Format `alibaba_lora_2026`: requests for images from a service with thousands of LoRA adapters (alibaba/clusterdata,
// cluster-trace-v2026-GenAI).
//
//   gmt_create,predict_type,predict_status,exec_time_seconds,groupId,...,checkpoint_model_version_id,num_lora
//
// One row a query. Times are dates to the second, without a zone; the clock is shifted, so that the trough is at noon. The key is the
// base model, checkpoint_model_version_id, which a few rows leave empty. Rows whose predict_status is not SUCCEED (FAILED, PENDING,
// PROCESSING, empty) are dropped unless failed ones are kept. exec_time_seconds and num_inference_steps can be the work of a query.
#include "traces/events.h"
#include "traces/format_list.h"

namespace tideline {

const TraceFormatDefinition alibaba_lora_2026_format{
    "alibaba_lora_2026", "Alibaba LoRA requests 2026: gmt_create,predict_type,predict_status,exec_time_seconds,...", false,
    [](const TraceHead& head) { return head.has("gmt_create") && head.has("predict_status") && head.has("checkpoint_model_version_id"); },
    [](TraceFiles files, const ReadParams& params) {
      EventColumns columns;
      columns.format = "alibaba_lora_2026";
      columns.time = "gmt_create";
      columns.key = {"checkpoint_model_version_id"};
      columns.status = "predict_status";
      columns.failed = [](std::string_view status) { return status != "SUCCEED"; };
      columns.needed = {"checkpoint_model_version_id", "predict_status"};
      return read_events(std::move(files), columns, params);
    }};

}  // namespace tideline
