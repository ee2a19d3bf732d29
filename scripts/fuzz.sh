#!/usr/bin/env bash
# Feeds the readers of scenarios, catalogs and traces with mutated files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'USAGE'
Usage: scripts/fuzz.sh [--seconds N] [--only NAME] [--help]

Builds the fuzz targets (tests/fuzz) with Clang under address and undefined-behaviour sanitizers in build/fuzz, and runs each of
scenario, catalog and trace. They start from the shipped scenarios, catalogs and sample traces and from what earlier runs found
(build/fuzz/corpus). What makes one fail is kept in build/fuzz/found; run that target with the file's name to see it again.
  --seconds N   for each target (default 60)
  --only NAME   one target
Exit status: 0 nothing found, 1 something found, 2 usage, 3 no Clang or no libFuzzer (Debian: clang, libclang-rt-14-dev).

  scripts/fuzz.sh --only trace --seconds 600
USAGE
}

seconds=60
targets=(scenario catalog trace)
while (($# > 0)); do
  case $1 in
    --seconds)
      if [[ ! ${2:-} =~ ^[1-9][0-9]*$ ]]; then echo "fuzz.sh: --seconds needs a number; see --help" >&2; exit 2; fi
      seconds=$2
      shift 2
      ;;
    --only)
      case ${2:-} in
        scenario | catalog | trace) targets=("$2") ;;
        *) echo "fuzz.sh: --only needs scenario, catalog or trace; see --help" >&2; exit 2 ;;
      esac
      shift 2
      ;;
    --help | -h) usage; exit 0 ;;
    *) echo "fuzz.sh: unknown option '$1'; see --help" >&2; exit 2 ;;
  esac
done

if ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
  clang++ -fsanitize=fuzzer -x c++ - -o /dev/null 2> /dev/null; then
  echo "fuzz.sh: clang++ with libFuzzer is missing: install clang and libclang-rt-14-dev" >&2
  exit 3
fi
cmake --preset fuzz > /dev/null
cmake --build --preset fuzz --target "${targets[@]/%/_fuzz}"

# Starting points, made small enough to be mutated often.
seed_trace() {  # FIRST BYTE, FILES...
  local first=$1 file
  shift
  for file in "$@"; do { printf '%b' "$first"; head -c 4000 "$file"; } > "build/fuzz/seeds/trace/${first#\\x}_$(basename "$file")"; done
}
mkdir -p build/fuzz/found build/fuzz/seeds/{scenario,catalog,trace} build/fuzz/corpus/{scenario,catalog,trace}
cp scenarios/*.json scenarios/theory/*.json build/fuzz/seeds/scenario/
for file in tests/golden/scenarios/*.json; do cp "$file" "build/fuzz/seeds/scenario/golden_$(basename "$file")"; done
cp scenarios/catalogs/*.json build/fuzz/seeds/catalog/
python3 - << 'PYTHON'
import json, pathlib
for path in pathlib.Path("scenarios/theory").glob("*.json"):
    catalog = json.loads(path.read_text()).get("catalog")
    if isinstance(catalog, dict):
        pathlib.Path("build/fuzz/seeds/catalog", path.name).write_text(json.dumps(catalog))
PYTHON
seed_trace '\x00' traces/samples/*.csv
seed_trace '\x01' traces/samples/*.*
seed_trace '\x02' traces/samples/*.*
# Byte 4 + 5 k is the k-th format (azure_functions_2019 is the second), or the one that the text tells.
seed_trace '\x04' traces/samples/formats/alibaba_lora_2026.csv
seed_trace '\x0e' traces/samples/formats/azure_functions_2021.txt
seed_trace '\x13' traces/samples/formats/azure_llm.csv
seed_trace '\x18' traces/samples/formats/burstgpt.csv
seed_trace '\x1d' traces/samples/formats/servegen/*
seed_trace '\x22' traces/samples/formats/proteus/*
seed_trace '\x27' traces/samples/*.*
seed_trace '\x2c' traces/samples/arrivals.csv traces/samples/formats/*.csv
seed_trace '\x31' traces/samples/formats/*.jsonl
seed_trace '\x36' traces/samples/*.* traces/samples/formats/*.*
printf '\x03model_name,resolution,%s\nyolov5n_w25,160,0.4,10.5\n' 'mAP_0.5:0.95_VOC,jetson_nano_onnx_latency' > build/fuzz/seeds/trace/table

# Byte 3 + 5 k: importers of catalogs, k from 3 on.
printf '\x21task,model,hardware,accuracy,batch,latency_ms,cores\nlook,n,a40,0.7,1,5,\nlook,n,a40,0.7,4,9,\n' > build/fuzz/seeds/trace/measurements
printf '\x2bmodel,section,subsection,batch_size,latency_avg\nresnet50,V100,FP32,1,10 ms\n' > build/fuzz/seeds/trace/nvidia
printf '\x26model,infer_img_size,infer_step_time,infer_batch_size,param_count\nx,224,5,256,3\n' > build/fuzz/seeds/trace/timm

status=0
for target in "${targets[@]}"; do
  echo "=== $target: $seconds s"
  # The program reports what it refuses; what libFuzzer prints at the end says how much it tried.
  if ! build/fuzz/tests/fuzz/${target}_fuzz -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/found/$target-" "build/fuzz/corpus/$target" "build/fuzz/seeds/$target" > "build/fuzz/$target.log" 2>&1; then
    status=1
    grep -E "ERROR|SUMMARY|runtime error|Test unit written|refused|an arrival" "build/fuzz/$target.log" | head -n 8 || true
    echo "=== $target: FOUND something; all of it is in build/fuzz/$target.log"
  else
    grep -E "number_of_executed_units|average_exec_per_sec" "build/fuzz/$target.log"
  fi
done
exit $status
