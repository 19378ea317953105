#!/bin/sh
# Kills a training run at 20 random moments, goes on after each, and compares with a whole run.
#
#     Tests/Scripts/kill-and-resume.sh MOEC LIB.so TEXT [STEPS] [KILLS]
#
# Both runs must end in the same bytes: parameters, moments, step counts and notes.
set -u
moec=$1 library=$2 text=$3 steps=${4:-1000} kills=${5:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

train() {
  name=$1
  shift
  exec "$moec" run "$library" --train --data "$text" --steps "$steps" --eval-interval 10 \
    --eval-batches 2 --schedule cosine --warmup 20 --save "$folder/$name.safetensors" \
    --log "$folder/$name.jsonl" --quiet "$@" > "$folder/$name.out" 2> "$folder/$name.err"
}

milliseconds() { echo $(( $(date +%s%N) / 1000000 )); }

# How long it takes until there is something to save, and then all of it.
started=$(milliseconds)
"$moec" run "$library" --evaluate --data "$text" --eval-batches 2 --quiet > "$folder/evaluated" || exit 1
start=$(( $(milliseconds) - started ))
started=$(milliseconds)
(train whole) || { cat "$folder/whole.err"; exit 1; }
# Kills are spread so that each run gets somewhere, most of them to another state than the last.
slice=$(( 3 * start + 2 * ($(milliseconds) - started) / kills ))
# Parameters, moments and notes, of the end and of the best, and the losses in between.
compare() {
  for ending in safetensors best.safetensors; do
    cmp "$folder/whole.$ending" "$folder/part.$ending" || exit 1
  done
  for name in whole part; do
    sed 's/"seconds":[0-9.]*,//' "$folder/$name.jsonl" > "$folder/$name.log"
  done
  cmp "$folder/whole.log" "$folder/part.log" || exit 1
}

# Starts the run anew, or goes on with what was saved.
go_on() {
  set --
  [ -f "$folder/part.safetensors" ] && set -- --resume "$folder/part.safetensors"
  train part "$@"
}

done=0
while [ "$done" -lt "$kills" ]; do
  (go_on) &
  run=$!
  random=$(od -An -N4 -tu4 /dev/urandom)
  sleep "$(awk "BEGIN { print $random % $slice / 1000 + 0.05 }")"
  if ! kill -9 "$run" 2> /dev/null; then
    compare
    echo "it came to its end, with the same bytes; once more"
    rm "$folder"/part.*
    continue
  fi
  wait "$run" 2> /dev/null
  done=$((done + 1))
  reached=$(tail -n 1 "$folder/part.jsonl" 2> /dev/null | sed 's/^{"step":\([0-9]*\).*/\1/')
  echo "kill $done: the log ends at step ${reached:-none}"
done
(go_on) || grep -q "nothing is left to train" "$folder/part.err" || {
  cat "$folder/part.err"
  exit 1
}
compare
echo "the same bytes after $done kills"
