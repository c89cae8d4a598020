module portcullis.dev/ci/release

go 1.26.0
