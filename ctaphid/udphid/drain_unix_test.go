//go:build unix

package udphid_test

import "testing"

func TestBeginCallDoesNotAllocate(t *testing.T) {
	host := dial(t, listen(t, nil).Addr())
	if n := testing.AllocsPerRun(100, func() { host.BeginCall(t.Context()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
