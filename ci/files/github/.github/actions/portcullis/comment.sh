#!/usr/bin/env bash
# Posts the Markdown of portcullis diff as a comment of a pull request, and edits that comment
# from then on: bash comment.sh FILE
#
# Its own comment is known by the marker in the first line and by the author: anybody can write
# the marker. Nothing else of the file is looked at, and nothing of it reaches a shell. Where the
# token may not write, as in the pull request of a fork, the summary of the run has to do.
set -euo pipefail
readonly MOST=65536 # characters of a comment, of which no byte is more than one
readonly PER_PAGE=100 PAGES=50
file=$1 url=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# call METHOD URL sends what is in body.json, if there is anything, and leaves the answer in
# answer.json and $status. The token is in no argument, which every process could read.
call() {
  local body=()
  [[ $1 == GET ]] || body=(--header 'Content-Type: application/json' --data-binary "@$scratch/body.json")
  status=$(curl --silent --show-error --max-time 60 --request "$1" "${body[@]}" \
    --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$GH_TOKEN") \
    --output "$scratch/answer.json" --write-out '%{http_code}' "$2") || status=000
}

# stop says why there is no comment. That the token only reads is nobody's mistake.
stop() {
  if [[ $status == 403 || $status == 404 ]]; then
    echo "::notice::no comment: the token may not $1 (HTTP $status), as in the pull request of a fork; the summary of the run says the same"
    exit 0
  fi
  echo "::warning::no comment: HTTP $status where it should $1; the summary of the run says the same"
  exit 1
}

# body writes what is sent: the file, or where it is too long its first line and a sentence.
body() {
  if [[ $1 == whole ]] && (($(wc -c < "$file") <= MOST)); then
    jq --raw-input --slurp '{body: .}' "$file"
  else
    printf '%s\n### The difference is too long for a comment\n\nThe [summary of the run](%s) has it.\n' \
      "$first" "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" | jq --raw-input --slurp '{body: .}'
  fi > "$scratch/body.json"
}

# send METHOD URL posts or edits, and says it shorter where that is refused for its length.
send() {
  body whole
  call "$@"
  if [[ $status == 422 ]]; then
    body short
    call "$@"
  fi
}

[[ -s $file ]] || { echo 'no comment: nothing was compared'; exit 0; }
IFS= read -r first < "$file"
[[ $first =~ ^'<!-- portcullis:diff key='([A-Za-z0-9_.]+)' changes='([0-9]+)' risk='[a-z]+' -->'$ ]] ||
  { echo "::warning::no comment: $file was not written by portcullis diff -o markdown"; exit 1; }
marker="<!-- portcullis:diff key=${BASH_REMATCH[1]} " changes=${BASH_REMATCH[2]}

id=
for ((page = 1; page <= PAGES; page++)); do
  call GET "$url/$NUMBER/comments?per_page=$PER_PAGE&page=$page"
  [[ $status == 200 ]] || stop 'list the comments'
  id=$(jq --raw-output --arg author "$AUTHOR" --arg marker "$marker" \
    'first(.[] | select(.user.login == $author and ((.body // "") | startswith($marker))) | .id) // empty' "$scratch/answer.json")
  [[ -z $id ]] && (($(jq length "$scratch/answer.json") == PER_PAGE)) || break
done

if [[ -n $id ]]; then
  send PATCH "$url/comments/$id"
  [[ $status == 200 ]] || stop 'edit the comment'
  echo "edited comment $id"
elif [[ $changes == 0 ]]; then
  echo 'no comment: no packet is treated differently'
else
  send POST "$url/$NUMBER/comments"
  [[ $status == 201 ]] || stop 'write a comment'
  echo 'wrote a comment'
fi
