package fido_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/gofido/fido/ctap2/virtual"
	"github.com/gofido/fido/ctaphid"
	"github.com/gofido/fido/ctaphid/udphid"
)

// openAll opens software keys over loopbacks.
func openAll(t *testing.T, configs ...virtual.Config) (keys []*fido.Key, soft []*virtual.Key) {
	t.Helper()
	for _, c := range configs {
		s, err := virtual.New(c)
		if err != nil {
			t.Fatal(err)
		}
		k, err := fido.OpenHID(t.Context(), ctaphid.Loopback(s), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { k.Close() })
		keys, soft = append(keys, k), append(soft, s)
	}
	return keys, soft
}

func TestPick(t *testing.T) {
	after := func(d time.Duration) virtual.Config { return virtual.Config{User: virtual.TouchAfter(d)} }
	of := func(p virtual.Profile, u virtual.User) virtual.Config { return virtual.Config{Profile: p, User: u} }
	never, deny := virtual.NeverTouch(), virtual.Deny()
	for _, test := range []struct {
		name    string
		configs []virtual.Config
		want    int // the index of the key; -1: none
		is      error
	}{
		{"no key/none", nil, -1, fido.ErrNoKey},
		{"one key/it is not asked", []virtual.Config{of(virtual.FIDO23, never)}, 0, nil},
		{"the second is touched/the second", []virtual.Config{of(virtual.FIDO23, never), after(5 * time.Second)}, 1, nil},
		{"both are touched/the earlier", []virtual.Config{after(7 * time.Second), after(5 * time.Second)}, 1, nil},
		{"touched when the others have given up once/it", []virtual.Config{of(virtual.FIDO23, never), of(virtual.FIDO23, virtual.Script(virtual.Step{}, virtual.Step{Touch: virtual.Touch}))}, 1, nil},
		{"a key of CTAP 2.0 that gave up once/it", []virtual.Config{of(virtual.FIDO23, never), of(virtual.FIDO20, virtual.Script(virtual.Step{}, virtual.Step{Touch: virtual.Touch}))}, 1, nil},
		{"one is declined/the other", []virtual.Config{of(virtual.FIDO23, deny), after(time.Second)}, 1, nil},
		{"a key of CTAP 2.0/it", []virtual.Config{of(virtual.FIDO20, virtual.TouchAfter(time.Second)), of(virtual.FIDO23, never)}, 0, nil},
		{"a U2F key/it", []virtual.Config{of(virtual.U2FOnly, virtual.TouchAfter(time.Second)), of(virtual.FIDO23, never)}, 0, nil},
		{"all declined/none", []virtual.Config{of(virtual.FIDO23, deny), of(virtual.FIDO20, deny)}, -1, ctap2.StatusOperationDenied},
		{"nobody comes/none", []virtual.Config{of(virtual.FIDO23, never), of(virtual.FIDO20, never), of(virtual.U2FOnly, never)}, -1, context.DeadlineExceeded},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				keys, soft := openAll(t, test.configs...)
				picked, err := fido.Pick(t.Context(), keys)
				if !errors.Is(err, test.is) {
					t.Fatalf("the error is %v", err)
				}
				if test.want < 0 {
					if picked != nil {
						t.Error("a key was picked as well")
					}
					return
				}
				if picked != keys[test.want] {
					t.Error("another key was picked")
				}
				// The losers are free: they answer at once.
				for i, k := range keys {
					soft[i].SetUser(virtual.AlwaysTouch())
					before := time.Now()
					if _, err := k.GetInfo(t.Context()); err != nil || time.Since(before) > time.Second {
						t.Errorf("key %d answers after %v: %v", i, time.Since(before), err)
					}
				}
			})
		})
	}
}

func TestPickCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := virtual.Config{User: virtual.NeverTouch()}
		keys, soft := openAll(t, never, never)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := fido.Pick(ctx, keys); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		for i, s := range soft {
			commands := s.Commands()
			if last := commands[len(commands)-1]; last.Command() != ctap2.CommandSelection || last.Status != ctap2.StatusKeepaliveCancel {
				t.Errorf("the last command of key %d ended with %v", i, last.Status)
			}
		}
	})
}

// A key that gives up at once, each time, is not asked without a pause.
func TestPickHastyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hasty := virtual.Config{History: 1000, Faults: virtual.Faults{Override: map[ctap2.Command]virtual.Reply{
			ctap2.CommandSelection: {Status: ctap2.StatusUserActionTimeout},
		}}}
		keys, soft := openAll(t, hasty, virtual.Config{User: virtual.TouchAfter(5 * time.Second)})
		if picked, err := fido.Pick(t.Context(), keys); picked != keys[1] {
			t.Errorf("another key was picked: %v", err)
		}
		if n := len(soft[0].Commands()); n > 25 {
			t.Errorf("%d commands", n)
		}
	})
}

// Keys that can't be opened don't keep the others from being picked.
func TestOpenByTouch(t *testing.T) {
	serve := func(u virtual.User) fido.KeyInfo {
		return fido.KeyInfo{Device: serveUser(t, u)}
	}
	gone := fido.KeyInfo{Device: t.TempDir() + "/hidraw9"}
	locked := fido.KeyInfo{Device: "/dev/null", Access: errors.New("you may not")}
	never, touched := serve(virtual.NeverTouch()), serve(virtual.AlwaysTouch())
	for _, test := range []struct {
		name  string
		keys  []fido.KeyInfo
		asked int // keys to touch one of
		fails bool
	}{
		{"none", nil, 0, true},
		{"one/at once", []fido.KeyInfo{never}, 0, false},
		{"one and one that may not be opened/at once", []fido.KeyInfo{locked, never}, 0, false},
		{"two/the one that is touched", []fido.KeyInfo{never, touched}, 2, false},
		{"two, of which one is gone/at once", []fido.KeyInfo{gone, never}, 0, false},
		{"two that are gone/none", []fido.KeyInfo{gone, gone}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			key, err := fido.OpenByTouchAmong(t.Context(), test.keys, nil, func(k []fido.KeyInfo) { asked = len(k) })
			if (err != nil) != test.fails || asked != test.asked {
				t.Fatalf("asked for one of %d: %v", asked, err)
			}
			if err == nil {
				defer key.Close()
				if _, err := key.GetInfo(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Two keys are plugged in, and the user touches one.
func ExamplePick() {
	ctx := context.Background()
	var keys []*fido.Key
	for _, user := range []virtual.User{virtual.NeverTouch(), virtual.AlwaysTouch()} {
		soft, err := virtual.New(virtual.Config{User: user})
		if err != nil {
			log.Fatal(err)
		}
		key, err := fido.OpenHID(ctx, ctaphid.Loopback(soft), nil)
		if err != nil {
			log.Fatal(err)
		}
		defer key.Close()
		keys = append(keys, key)
	}
	fmt.Println("Touch the key that you want to use.")
	picked, err := fido.Pick(ctx, keys)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the second:", picked == keys[1])
	// Output:
	// Touch the key that you want to use.
	// the second: true
}

// Without keys there is nothing to touch.
func ExampleOpenByTouch() {
	key, err := fido.OpenByTouch(context.Background(), nil, func(keys []fido.KeyInfo) {
		for _, k := range keys {
			fmt.Println(k.Device, k.Product)
		}
		fmt.Println("Touch the key that you want to use.")
	})
	if err != nil {
		log.Print(err) // ErrNoKey, say
		return
	}
	defer key.Close()
}

// serveUser puts a software key with a user on a UDP port and returns its address.
func serveUser(t *testing.T, u virtual.User) string {
	t.Helper()
	soft, err := virtual.New(virtual.Config{User: u})
	if err != nil {
		t.Fatal(err)
	}
	l, err := udphid.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ctaphid.NewServer(soft, nil).Serve(ctx, l) }()
	t.Cleanup(func() { cancel(); <-done; l.Close() })
	return "udp:" + l.Addr().String() + ":0"
}
