//go:build guest

package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/hidraw"
	"github.com/gofido/fido/internal/systemtest/guest"
	"github.com/gofido/fido/internal/systemtest/ours"
)

// roleVariable makes this program another program that uses a key.
const roleVariable = "GOFIDO_ROLE"

var (
	locks = map[string]hidraw.Lock{"open": hidraw.LockOpen, "call": hidraw.LockCall, "none": hidraw.LockNone}
	roles = map[string]func(ctx context.Context, path string, lock hidraw.Lock) error{
		"hold": hold, "exchange": exchange, "select": selection,
	}
)

// play is the main function of the other program. Its arguments are the path
// and the lock.
func play(role string, args []string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // longer than the test, which ends this program
	defer cancel()
	if err := roles[role](ctx, args[0], locks[args[1]]); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// program starts this program in a role.
func program(t *testing.T, role, path, lock string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(guest.Context(t), "/proc/self/exe", path, lock)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// hold opens the key, says so, and keeps it until its standard input ends.
func hold(ctx context.Context, path string, lock hidraw.Lock) error {
	o := patient()
	o.Lock = lock
	key, err := fido.Open(ctx, path, o)
	if err != nil {
		return err
	}
	fmt.Println("open")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return key.Close()
}

const rounds = 20

// exchange uses the key for a while and says how many reports it saw that were
// meant for others.
func exchange(ctx context.Context, path string, lock hidraw.Lock) error {
	o := patient()
	o.Lock = lock
	foreign, own := 0, ctaphid.CID(0)
	o.HID.Trace = func(e ctaphid.TraceEvent) {
		p, err := ctaphid.ParsePacket(e.Report)
		if err == nil && !e.Sent && own != 0 && p.CID != own {
			foreign++
		}
	}
	key, err := fido.Open(ctx, path, o)
	for errors.Is(err, hidraw.ErrLocked) && ctx.Err() == nil { // the others are slower than Open is patient
		key, err = fido.Open(ctx, path, o)
	}
	if err != nil {
		return err
	}
	defer key.Close()
	own = key.HID().Info().CID
	for i := range rounds {
		if _, err := key.HID().Ping(ctx, nil, counted(i*10)); err != nil {
			return err
		}
		if _, err := key.GetInfo(ctx); err != nil {
			return err
		}
	}
	fmt.Println(foreign)
	return nil
}

// selection waits for a touch.
func selection(ctx context.Context, path string, lock hidraw.Lock) error {
	o := patient()
	o.Lock = lock
	key, err := fido.Open(ctx, path, o)
	if err != nil {
		return err
	}
	defer key.Close()
	return key.Selection(ctx)
}

// Programs that use a key at the same time all get their own replies, and with
// a lock for as long as the key is open they see nothing else.
func TestProgramsShareAKey(t *testing.T) {
	for _, lock := range []string{"open", "none"} {
		t.Run(lock, func(t *testing.T) {
			each(t, func(t *testing.T, r guest.Route) {
				key := guest.NewKey(t, r, virtual.Config{})
				type result struct {
					out []byte
					err error
				}
				results := make(chan result)
				const n = 3
				for range n {
					cmd := program(t, "exchange", key.Path, lock)
					go func() {
						out, err := cmd.CombinedOutput()
						results <- result{out, err}
					}()
				}
				for range n {
					got := <-results
					if got.err != nil {
						t.Errorf("%v: %s", got.err, got.out)
						continue
					}
					foreign, err := strconv.Atoi(strings.TrimSpace(string(got.out)))
					if err != nil {
						t.Error(err)
					}
					t.Logf("a program saw %d reports for others", foreign)
					if lock == "open" && foreign > 0 {
						t.Errorf("although it has the lock")
					}
				}
			})
		})
	}
}

// A program that has opened the key with a lock keeps out those that want one,
// until it closes the key or dies.
func TestProgramHoldsTheKey(t *testing.T) {
	for _, tt := range []struct {
		holder, other string
		locked        bool
	}{
		{"open", "open", true},
		{"open", "none", false},
		{"call", "open", false}, // it is in no call
		{"none", "open", false},
	} {
		t.Run(tt.holder+" and "+tt.other, func(t *testing.T) {
			key := guest.NewKey(t, guest.UHID, virtual.Config{})
			cmd := program(t, "hold", key.Path, tt.holder)
			in, out := pipes(t, cmd)
			if line, err := out.ReadString('\n'); line != "open\n" {
				t.Fatalf("the holder says %q, %v", line, err)
			}
			o := patient()
			o.Lock = locks[tt.other]
			soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if !tt.locked {
				soon = guest.Context(t)
			}
			client, err := fido.Open(soon, key.Path, o)
			if tt.locked != errors.Is(err, hidraw.ErrLocked) || !tt.locked && err != nil {
				t.Fatalf("open: %v", err)
			}
			if err == nil {
				if _, err := client.GetInfo(guest.Context(t)); err != nil {
					t.Error(err)
				}
				client.Close()
			}
			if tt.locked { // it dies, and the kernel gives the lock back
				cmd.Process.Kill()
			}
			in.Close()
			if err := cmd.Wait(); err != nil != tt.locked {
				t.Errorf("the holder: %v", err)
			}
			client = ours.Open(t, key, o)
			if _, err := client.GetInfo(guest.Context(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A call with a lock of its own keeps out those that want one, while it lasts.
func TestProgramIsInACall(t *testing.T) {
	user := newAbsent()
	key := guest.NewKey(t, guest.UHID, virtual.Config{User: user})
	cmd := program(t, "select", key.Path, "call")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	happens(t, "the key asks for a touch", user.asked)
	soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := fido.Open(soon, key.Path, nil); !errors.Is(err, hidraw.ErrLocked) {
		t.Errorf("open during a call with a lock: %v", err)
	}
	cmd.Process.Kill()
	if err := cmd.Wait(); err == nil {
		t.Error("the program ended by itself")
	}
}

func pipes(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, *bufio.Reader) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return in, bufio.NewReader(out)
}

// A program that has the key open and does nothing gets the reports for others
// all the same. The kernel keeps 64 of them for it and throws away the rest;
// its own next reply must not be among what is thrown away.
func TestIdleProgramMeetsReportsForOthers(t *testing.T) {
	each(t, func(t *testing.T, r guest.Route) {
		key := guest.NewKey(t, r, virtual.Config{})
		o := patient()
		o.Lock = hidraw.LockNone
		idle, busy := ours.Open(t, key, o), ours.Open(t, key, o)
		for round := range 3 {
			for range 10 {
				if _, err := busy.HID().Ping(guest.Context(t), nil, counted(1024)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := idle.HID().Ping(guest.Context(t), nil, counted(1024)); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	})
}
