# Names for what one types often. `make check` is what continuous integration runs. The
# build has no -trimpath, so that it shares what `go run` and the tests have compiled.
.PHONY: build test lint fmt check explore bench bench-peers tidy clean

build: ; go build -o bin/portcullis ./cmd/portcullis
test: ; go test -timeout 1h ./...
lint: ; go vet ./... && go tool -modfile=ci/tools/go.mod staticcheck ./...
fmt: ; gofmt -w .
check: ; bash ci/test
explore: ; bash ci/explore
bench: ; go test -run '^$$' -bench . -count 6 ./... | tee bench.out && go tool -modfile=ci/tools/go.mod benchstat bench.out
bench-peers: ; go run ./ci/peers > performance.out && mv performance.out docs/performance.md
tidy: ; go mod tidy && go -C ci/tools mod tidy
clean: ; rm -rf bin *.out *.test
