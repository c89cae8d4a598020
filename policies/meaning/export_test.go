package meaning

// EvaluateNarrow is Evaluate with another limit for sets that are asked one by one.
var EvaluateNarrow = evaluate
