# Names for what one types often. `make check` is what continuous integration runs.
.PHONY: build test lint fmt check fuzz bench tidy clean

build: ; go build -trimpath -o bin/portcullis ./cmd/portcullis
test: ; go test -shuffle=on ./...
lint: ; go vet ./... && go tool -modfile=ci/tools/go.mod staticcheck ./...
fmt: ; gofmt -w .
check: ; bash ci/test
fuzz: ; bash ci/fuzz
bench: ; go test -run '^$$' -bench . -count 6 ./... | tee bench.out && go tool -modfile=ci/tools/go.mod benchstat bench.out
tidy: ; go mod tidy && go -C ci/tools mod tidy
clean: ; rm -rf bin *.out *.test
