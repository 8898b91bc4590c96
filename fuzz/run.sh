#!/usr/bin/env bash
# Runs fuzz targets for so many seconds each, or so many executions: ./run.sh SECONDS [TARGET…] | ./run.sh --runs EXECUTIONS [TARGET…]
set -uo pipefail
cd "$(dirname "$0")"
if [ "${1:-}" = --runs ]; then
    limit="-runs=$2"
    shift 2
else
    limit="-max_total_time=${1:-60}"
    shift || true
fi
# Most targets write what they are given into a file first: in memory that is no work for a disk.
if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ]; then export TMPDIR=/dev/shm; fi
data=../crates/data/tests/fixtures
binaries=${CARGO_TARGET_DIR:-target}/x86_64-unknown-linux-gnu/release
declare -A seeds=(
    [decode]="$data/decode"
    [tfds]="$data/sources/tfds/tiny_dogs/1.2.0"
    [parquet]="$data/sources/parquet/dogs $data/sources/parquet"
    [webdataset]="$data/sources/webdataset/dogs"
    [tar]="$data/archive $data/dogs $data/sources/packed"
    [tar_gz]="$data/sources/packed"
    [zip]="$data/sources/packed"
    [cifar]="$data/sources/cifar/cifar-10"
    [idx]="$data/sources/idx/mnist"
    [matlab]="$data/sources/flowers $data/matlab"
    [table]="seeds/table"
    [weights]="$data"
    [study]="../studies seeds/study"
    [pack]=""
    [results]="seeds/results"
    [checkpoint]="$data"
    [groups]="seeds/groups"
    [run_folder]=""
)
all="decode tfds parquet webdataset tar tar_gz zip cifar idx matlab table weights study pack results checkpoint groups run_folder"
failed=0
for target in "${@:-$all}"; do
    for name in $target; do
        mkdir -p "corpus/$name" "artifacts/$name"
        # A seed that takes 32 KiB or more only makes it slow.
        # shellcheck disable=SC2086
        nice -n 19 "$binaries/$name" "corpus/$name" ${seeds[$name]} -artifact_prefix="artifacts/$name/" \
            "$limit" -rss_limit_mb=2048 -timeout=30 -max_len=32768 -print_final_stats=1 \
            >"artifacts/$name/log" 2>&1 || failed=1
        # The last line of progress tells the coverage.
        progress=$(grep -E 'cov: ' "artifacts/$name/log" | tail -1 | grep -oE 'cov: [0-9]+|ft: [0-9]+|exec/s: [0-9]+' | tr '\n' ' ')
        echo "$name: $(grep -E 'number_of_executed_units|ERROR' "artifacts/$name/log" | tr -s ' ' | tr '\n' ' ')$progress"
    done
done
exit $failed
