package main

import (
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"
)

// The size of the terminal. It is so wide that no line need be folded, whatever the
// devices are called. What is behind it keeps more lines, so that nothing is
// scrolled away.
const (
	columns  = 300
	rows     = 40
	keptRows = 400
)

// patience is how long a test waits for what must come. Only a test that fails
// takes that long.
var patience = time.Minute

// A terminal is a person's: fidokey runs in it, one command after the other, and
// what it says stays on the screen. Its methods fail the test when what they
// wait for does not come.
type terminal struct {
	t       *testing.T
	system  system
	columns int
	running *running // nil: no command

	mu      sync.Mutex
	screen  vt10x.Terminal
	rest    []byte        // the beginning of a character whose end has not come
	stream  []byte        // all that was written
	seen    int           // how much of the text in stream Expect has found
	changed chan struct{} // closed with each change
}

// running is a command that runs.
type running struct {
	line   string
	master *os.File
	slave  *os.File
	cancel func()        // interrupts it
	pumped chan struct{} // closed when all that it wrote is on the screen

	before, after *term.State // of the terminal
	code          int
	over          chan struct{} // closed when it has ended, and after and code are there
}

func newTerminal(t *testing.T, columns int) *terminal {
	return &terminal{t: t, system: thisSystem, columns: columns, screen: vt10x.New(vt10x.WithSize(columns, keptRows)), changed: make(chan struct{})}
}

// start runs fidokey with args. The screen shows the line as typed.
func (x *terminal) start(line string, args []string) {
	x.t.Helper()
	r := x.open("fidokey " + line)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { r.end(x.system.run(ctx, args, r.slave, r.slave, r.slave)) }()
}

// open prepares the terminal for a command, which it shows as typed.
func (x *terminal) open(line string) *running {
	x.t.Helper()
	x.finish()
	master, slave, err := pty.Open()
	if errors.Is(err, pty.ErrUnsupported) {
		x.t.Skip("this system has no pseudo-terminals")
	}
	if err != nil {
		x.t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: rows, Cols: uint16(x.columns)}); err != nil {
		x.t.Fatal(err)
	}
	r := &running{line: line, master: master, slave: slave, cancel: func() {}, pumped: make(chan struct{}), over: make(chan struct{})}
	if r.before, err = term.GetState(int(slave.Fd())); err != nil {
		x.t.Fatal(err)
	}
	x.running = r
	x.show([]byte("$ " + line + "\r\n"))
	x.mu.Lock()
	x.seen = len(text(x.stream)) // what Expect looks for comes from this command
	x.mu.Unlock()
	go x.pump(r)
	x.t.Cleanup(func() {
		r.cancel()
		select {
		case <-r.over:
		case <-time.After(10 * time.Second): // a test that has failed
		}
		master.Close()
		slave.Close()
	})
	return r
}

// theEnd is written to the terminal when a command has ended: all that comes
// before it is the command's.
const theEnd = 0

// end says that the command has ended.
func (r *running) end(code int) {
	r.code = code
	r.after, _ = term.GetState(int(r.slave.Fd()))
	r.slave.Write([]byte{theEnd})
	<-r.pumped
	close(r.over)
}

// pump puts what the command writes on the screen.
func (x *terminal) pump(r *running) {
	defer close(r.pumped)
	b := make([]byte, 4096)
	for {
		n, err := r.master.Read(b)
		for i, c := range b[:n] {
			if c == theEnd {
				x.show(b[:i])
				return
			}
		}
		x.show(b[:n])
		if err != nil {
			return
		}
	}
}

func (x *terminal) show(b []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stream = append(x.stream, b...)
	x.rest = append(x.rest, b...)
	n, _ := x.screen.Write(x.rest) // all but the beginning of a character
	x.rest = append([]byte(nil), x.rest[n:]...)
	close(x.changed)
	x.changed = make(chan struct{})
}

// control is what moves the cursor and changes the colour.
var control = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r`)

// text is what was written without what moves the cursor.
func text(stream []byte) string { return control.ReplaceAllString(string(stream), "") }

// Expect waits until the command has written the text, after what the last
// Expect found. A text that has been written over since counts too.
func (x *terminal) Expect(want string) {
	x.t.Helper()
	x.ExpectOneOf(want)
}

// ExpectOneOf waits for the first of several texts, as Expect does, and returns
// which one it is.
func (x *terminal) ExpectOneOf(wants ...string) int {
	x.t.Helper()
	found := x.await(wants)
	if found < 0 {
		x.t.Fatalf("the command has ended, and the screen does not show %q:\n%s", wants, x.Screen())
	}
	return found
}

// await is ExpectOneOf; it returns -1 when the command has ended without any.
func (x *terminal) await(wants []string) int {
	x.t.Helper()
	limit := time.After(patience)
	over := make(chan struct{})
	if x.running != nil {
		over = x.running.over
	} else {
		close(over)
	}
	for {
		isOver := false
		select {
		case <-over:
			isOver = true // all that it has written is on the screen
		default:
		}
		found, changed := x.find(wants)
		if found >= 0 || isOver {
			return found
		}
		select {
		case <-changed:
		case <-over:
		case <-limit:
			x.t.Fatalf("the screen does not show %q:\n%s", wants, x.Screen())
		}
	}
}

// find looks for the first of several texts, and returns -1 and what is closed
// when there is more to look at.
func (x *terminal) find(wants []string) (found int, changed chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	fresh := text(x.stream)[x.seen:]
	first, found := len(fresh), -1
	for i, want := range wants {
		if at := strings.Index(fresh, want); at >= 0 && (found < 0 || at < first) {
			first, found = at, i
		}
	}
	if found >= 0 {
		x.seen += first + len(wants[found])
	}
	return found, x.changed
}

// Send types keys: "\r" is the enter key, "\x7f" backspace, "\x03" Ctrl-C and
// "\x04" Ctrl-D. At a question that shows what is typed, Ctrl-C is a signal: see
// Interrupt.
func (x *terminal) Send(keys string) {
	x.t.Helper()
	if x.running == nil {
		x.t.Fatalf("nobody reads %q", keys)
	}
	if _, err := x.running.master.WriteString(keys); err != nil {
		x.t.Fatal(err)
	}
}

// Answer waits for a question and answers it with a line.
func (x *terminal) Answer(question, line string) {
	x.t.Helper()
	x.Expect(question)
	x.Send(line + "\r")
}

// Interrupt does what the signal of Ctrl-C does.
func (x *terminal) Interrupt() { x.running.cancel() }

// Wait waits for the end of the command and returns its exit code. The command
// must leave the terminal as it was, and the cursor at the beginning of a line.
func (x *terminal) Wait() int {
	x.t.Helper()
	r := x.running
	if r == nil {
		x.t.Fatal("no command runs")
	}
	x.running = nil
	select {
	case <-r.over:
	case <-time.After(patience):
		x.t.Fatalf("%q does not end:\n%s", r.line, x.Screen())
	}
	if !reflect.DeepEqual(r.after, r.before) {
		x.t.Errorf("%q leaves the terminal changed: %+v instead of %+v", r.line, r.after, r.before)
	}
	x.mu.Lock()
	column := x.screen.Cursor().X
	x.mu.Unlock()
	if column != 0 {
		x.t.Errorf("%q leaves the cursor in column %d:\n%s", r.line, column, x.Screen())
	}
	return r.code
}

// Exit waits for the end of the command and checks its exit code.
func (x *terminal) Exit(want int) {
	x.t.Helper()
	if code := x.Wait(); code != want {
		x.t.Fatalf("exit code %d instead of %d:\n%s", code, want, x.Screen())
	}
}

// finish waits for the command that runs, if there is one, and expects that it
// succeeds.
func (x *terminal) finish() {
	x.t.Helper()
	if x.running != nil {
		x.Exit(exitOK)
	}
}

// wrapped marks the last cell of a row that goes on in the next.
const wrapped = 1 << 6

// Screen returns what the screen shows. A line that is too long for it is one
// line here, too.
func (x *terminal) Screen() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var lines []string
	var line []rune
	for row := range keptRows {
		for column := range x.columns {
			line = append(line, x.screen.Cell(column, row).Char)
		}
		if x.screen.Cell(x.columns-1, row).Mode&wrapped == 0 {
			lines = append(lines, strings.TrimRight(string(line), " "))
			line = nil
		}
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}
