package order_test

import (
	"testing"

	"github.com/gofido/fido/internal/vm/order"
)

// qemuStatus is what QEMU's isa-debug-exit makes of a byte (hw/misc/debugexit.c).
func qemuStatus(b byte) int { return (int(b)<<1 | 1) & 0xff }

func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name string
		exit int
		want int
	}{
		{"success", 0, 0},
		{"failure", 1, 1},
		{"a test binary that panics", 2, 2},
		{"the largest", 125, 125},
		{"not run", order.NotRun, order.NotRun},
		{"too large to carry", 200, order.NotRun},
		{"killed", -1, order.NotRun},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := order.Status(qemuStatus(order.Encode(tt.exit)))
			if !ok || got != tt.want {
				t.Errorf("exit status %d arrives as %d, %v; want %d", tt.exit, got, ok, tt.want)
			}
		})
	}
	for _, qemu := range []int{-1, 0, 1, 2, 124} {
		if status, ok := order.Status(qemu); ok {
			t.Errorf("QEMU's own status %d is taken for the program's %d", qemu, status)
		}
	}
}
