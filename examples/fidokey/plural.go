package main

import "fmt"

// plural counts things whose name takes an s.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// pick returns the words for one thing, or for none or several.
func pick(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}
