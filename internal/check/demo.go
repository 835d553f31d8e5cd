package main

import "context"

func stepDemo(ctx context.Context, j *job) (string, error) {
	argv := []string{"go", "run", "./examples/fidokey", "demo"}
	return "go run ./examples/fidokey demo", j.run(ctx, command{argv: argv})
}
