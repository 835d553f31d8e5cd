package fuzz

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gofido/fido/ctaphid"
)

var update = flag.Bool("update", false, "write the recorded seeds of FuzzConversation anew")

// seedFolder is where go test looks for the seeds of FuzzConversation.
const seedFolder = "testdata/fuzz/FuzzConversation"

// maxRecordedReports is how many reports of a key's a seed may hold.
const maxRecordedReports = 40

// TestSeeds records the scenarios, once by the key's replies and once by its
// reports, and holds them again with every reply and every report replaced by
// what was recorded. They must succeed as before, because all randomness repeats:
// so a mutation of a seed is a mutation of a real conversation.
//
// With -update the recordings become the seeds that are kept; without, it only
// makes sure that there is a file for each, and no other.
func TestSeeds(t *testing.T) {
	var wanted []string
	if *update {
		if err := os.MkdirAll(seedFolder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range scenarios {
		for kind, recorded := range record(t, s) {
			name := kind + " of " + s.name
			t.Run(name, func(t *testing.T) {
				for i, err := range recorded.hold(t) {
					if err != nil {
						t.Errorf("held again, call %d fails: %v", i, err)
					}
				}
				file := filepath.Join(seedFolder, strings.NewReplacer(" ", "-", ",", "").Replace(name))
				wanted = append(wanted, file)
				if *update {
					if err := os.WriteFile(file, recorded.encode(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := os.Stat(file); err != nil {
					t.Errorf("run go generate: %v", err)
				}
			})
		}
	}
	kept, err := filepath.Glob(filepath.Join(seedFolder, "rep*-of-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range kept {
		if slices.Contains(wanted, file) {
			continue
		}
		if !*update {
			t.Errorf("%s is of no scenario: run go generate", file)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// record holds an honest conversation and returns it with a plan that repeats
// the replies, and with one that repeats the reports, if there are not too many.
func record(t *testing.T, s scenario) map[string]conversation {
	var mu sync.Mutex
	var replies, reports []byte
	count := 0
	c := s.conversation
	c.told = func(reply []byte) {
		mu.Lock()
		defer mu.Unlock()
		replies = append(replies, 0, lieReplace, byte(len(reply)>>8), byte(len(reply)))
		replies = append(replies, reply...)
	}
	c.trace = func(e ctaphid.TraceEvent) {
		mu.Lock()
		defer mu.Unlock()
		if !e.Sent {
			count++
			report := bytes.TrimRight(e.Report, "\x00")
			reports = append(append(reports, 0, wireReplace, byte(len(report))), report...)
		}
	}
	// The last getInfo is not part of what the input describes.
	c.abrupt = true
	for i, err := range c.hold(t) {
		if err != nil {
			t.Fatalf("%s: call %d: %v", s.name, i, err)
		}
	}
	all := make(map[string]conversation)
	if len(replies) > 0 {
		r := s.conversation
		r.replies = replies
		all["replies"] = r
	}
	if count <= maxRecordedReports {
		r := s.conversation
		r.toHost = reports
		all["reports"] = r
	}
	return all
}

// encode returns the conversation in the format of the files in seedFolder.
func (c conversation) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "go test fuzz v1\nuint16(%d)\nbyte(%q)\n", c.setup, c.user)
	for _, part := range [][]byte{c.script, c.toKey, c.toHost, c.replies} {
		fmt.Fprintf(&b, "[]byte(%q)\n", part)
	}
	return b.Bytes()
}
