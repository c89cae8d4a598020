#!/usr/bin/env bash
# Posts portcullis-diff.md, the Markdown of portcullis diff, as a note of a merge request, and
# edits that note from then on.
#
# Its own note is known by the marker in the first line and by the author: anybody can write the
# marker. Nothing else of the file is looked at, and nothing of it reaches a shell. It needs a
# token of the project in PORTCULLIS_TOKEN, for a job's own writes no notes; without one, as in
# the pipeline of a fork, the artifact has to do.
set -euo pipefail
readonly PER_PAGE=100 PAGES=50
file=portcullis-diff.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# call METHOD URL sends what is in body.json, if there is anything, and leaves the answer in
# answer.json and $status. The token is in no argument, which every process could read.
call() {
  local body=()
  [[ $1 == GET ]] || body=(--header 'Content-Type: application/json' --data-binary "@$scratch/body.json")
  status=$(curl --silent --show-error --max-time 60 --request "$1" "${body[@]}" \
    --config <(printf 'header = "PRIVATE-TOKEN: %s"\n' "$PORTCULLIS_TOKEN") \
    --output "$scratch/answer.json" --write-out '%{http_code}' "$CI_API_V4_URL/$2") || status=000
}

stop() {
  echo "no note: HTTP $status where it should $1; the artifact says the same" >&2
  exit 1
}

[[ -n ${CI_MERGE_REQUEST_IID:-} ]] || exit 0
[[ -s $file ]] || { echo 'no note: nothing was compared'; exit 0; }
[[ -n ${PORTCULLIS_TOKEN:-} ]] || { echo 'no note: there is no PORTCULLIS_TOKEN; the artifact says the same'; exit 0; }
IFS= read -r first < "$file"
[[ $first =~ ^'<!-- portcullis:diff key='([A-Za-z0-9_.]+)' changes='([0-9]+)' risk='[a-z]+' -->'$ ]] ||
  { echo "no note: $file was not written by portcullis diff -o markdown" >&2; exit 1; }
marker="<!-- portcullis:diff key=${BASH_REMATCH[1]} " changes=${BASH_REMATCH[2]}
command -v jq > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends jq; } > /dev/null

call GET user
[[ $status == 200 ]] || stop 'say whose token it is'
author=$(jq .id "$scratch/answer.json")
notes="projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
id=
for ((page = 1; page <= PAGES; page++)); do
  call GET "$notes?per_page=$PER_PAGE&page=$page"
  [[ $status == 200 ]] || stop 'list the notes'
  id=$(jq --raw-output --argjson author "$author" --arg marker "$marker" \
    'first(.[] | select(.author.id == $author and (.system | not) and ((.body // "") | startswith($marker))) | .id) // empty' "$scratch/answer.json")
  [[ -z $id ]] && (($(jq length "$scratch/answer.json") == PER_PAGE)) || break
done

jq --raw-input --slurp '{body: .}' "$file" > "$scratch/body.json"
if [[ -n $id ]]; then
  call PUT "$notes/$id"
  [[ $status == 200 ]] || stop 'edit the note'
  echo "edited note $id"
elif [[ $changes == 0 ]]; then
  echo 'no note: no packet is treated differently'
else
  call POST "$notes"
  [[ $status == 201 ]] || stop 'write a note'
  echo 'wrote a note'
fi
