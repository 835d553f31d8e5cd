package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofido/fido/ctap2/virtual"
	"github.com/spf13/cobra"
)

// app is what the commands share: the flags that all have and the streams.
type app struct {
	in       io.Reader
	out, err io.Writer

	device  string
	timeout time.Duration
	hasty   bool // --timeout was given, and is for the user too
	trace   bool
	color   string
	lock    string

	json     bool
	quiet    bool
	pinStdin bool

	system   system
	software map[string]*virtual.Key // the software keys of this run, by the file of their state

	pinAsTyped bool // flag of the commands that change or try the PIN

	answered    bool        // with --json: there is an object on standard output
	urged       atomic.Bool // a key has waited for its user
	contactless bool        // the key is held to a reader
	keyName     string      // of a command with several keys: which of them prompts mean
	pin         []byte      // the line of --pin-stdin, once it was read
	closers     []func() error
}

// close ends what lives as long as a command.
func (a *app) close() {
	clear(a.pin)
	for _, f := range a.closers {
		f()
	}
}

// run runs fidokey and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	return thisSystem.run(ctx, args, in, out, errOut)
}

func (s system) run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	written := &output{Writer: out}
	a := &app{in: in, out: written, err: errOut, system: s, software: map[string]*virtual.Key{}}
	defer a.close()
	root := a.root()
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() } // so that it refuses shells that it does not know
		c.Args = noArgs
		for _, shell := range c.Commands() {
			shell.Args = noArgs
		}
	}
	root.SetArgs(args)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		a.json = a.json || wantsJSON(args)
		return badUse("%s; %s --help tells what there is", flagMistake(err), c.CommandPath())
	})
	root.InitDefaultHelpCmd()
	if c, _, err := root.Find([]string{"help"}); err == nil {
		c.Args = existing(root)
	}
	err := root.ExecuteContext(ctx)
	if written.err != nil && (err == nil || errors.Is(err, written.err)) {
		err = problem(exitFailed, "the result could not be written to standard output, though the command may have done its work: %w", written.err)
	}
	code := exitCode(ctx, err)
	if ctx.Err() != nil && rewritable(errOut) {
		fmt.Fprint(errOut, "\r\x1b[K") // over the ^C, which the terminal shows
	}
	if err != nil {
		message := a.explain(ctx, err)
		fmt.Fprintln(a.folded(errOut), a.paint(errOut, red, "fidokey: "+message))
		if a.json && !a.answered {
			a.printJSON(failed(code, message, err))
		}
	}
	return code
}

// flagMistake says what is wrong with a flag, without the names of Go's functions.
func flagMistake(err error) string {
	cause := errors.Unwrap(err)
	if cause == nil {
		return err.Error()
	}
	text := ""
	if e, ok := errors.AsType[*strconv.NumError](cause); ok {
		text = "it is no number, or one that is out of range"
		if e.Func == "ParseBool" {
			text = "it is neither true nor false"
		}
	} else if strings.HasPrefix(cause.Error(), "time: ") {
		text = "it is not a length of time, such as 30s or 2m"
	}
	return strings.TrimSuffix(err.Error(), cause.Error()) + cmp.Or(text, cause.Error())
}

// existing has help refuse to tell of a command that there is not.
func existing(root *cobra.Command) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if c, rest, err := root.Find(args); err == nil && c.HasAvailableSubCommands() && len(rest) > 0 {
			return noCommand(c, rest[0])
		}
		return nil
	}
}

// wantsJSON reports whether a command line asks for JSON. It is for one with a mistake
// before --json, which is not read then: the value of a flag may be taken for it.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "fidokey",
		Short: "Look after FIDO2 security keys",
		Long: `Fidokey looks after FIDO2 security keys of any make, on USB and at card readers: it
shows what they are and what is on them, sets them up, and tries them out.

Without --device the commands use the key that list shows, or at a terminal the
one of several that you touch, and demo uses the software key that fidokey brings
along. --device names another:

  /dev/hidraw0                a key that is plugged in, as list shows it
  pcsc:READER                 a key in the card reader whose name begins so (pcsc: alone is the only reader that has a card)
  label:NAME                  the key to which fidokey label has given this name
  udp:HOST:PORT[:LOCALPORT]   a firmware simulator (udp: alone is udp:127.0.0.1:8111:7112)
  vpcd:HOST:PORT              a simulator of a card (vpcd: alone is vpcd:127.0.0.1:35963)
  vpcd-listen:PORT            the same, when it is the simulator that connects
  virtual                     the software key, new each time
  virtual:FILE                the software key, whose state is kept in FILE

` + exitCodesHelp,
		Version:           version(),
		Args:              noArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp) // most words are no files
	root.SetHelpFunc(a.help)
	f := root.PersistentFlags()
	f.StringVarP(&a.device, "device", "d", "", "the `KEY` to use: a path, pcsc:READER, label:NAME, virtual or a simulator (fidokey --help tells more)")
	f.DurationVar(&a.timeout, "timeout", time.Minute, "how much `TIME` to wait for the key and for you, as in 30s (at a prompt in a terminal 5m, unless this is given)")
	f.BoolVar(&a.json, "json", false, "print JSON, for programs")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print results, errors and what you have to do, and nothing else")
	f.BoolVar(&a.pinStdin, "pin-stdin", false, "read the key's PIN from standard input, for scripts")
	f.BoolVar(&a.trace, "trace", false, "show each message and each report on standard error")
	f.StringVar(&a.color, "color", "auto", "colours: `WHEN` is auto, always or never")
	f.StringVar(&a.lock, "lock", "open", "keep other programs from the key: `HOW` is open, call or none (Linux)")
	root.RegisterFlagCompletionFunc("device", completeDevices)
	root.RegisterFlagCompletionFunc("color", fixed("auto", "always", "never"))
	root.RegisterFlagCompletionFunc("lock", fixed("open", "call", "none"))
	for _, g := range a.groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
	withoutArgs(root)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		a.hasty = c.Flags().Changed("timeout")
		return a.checkFlags()
	}
	return root
}

// A group is what the help shows together.
type group struct {
	title    string
	commands []*cobra.Command
}

func (a *app) groups() []group {
	return []group{
		{"Keys:", []*cobra.Command{a.listCommand(), a.infoCommand(), a.labelCommand(), a.pingCommand(), a.winkCommand()}},
		{"What is on a key:", []*cobra.Command{a.passkeysCommand(), a.fingerprintsCommand(), a.blobsCommand()}},
		{"How a key is set up:", []*cobra.Command{a.pinCommand(), a.configCommand(), a.resetCommand()}},
		{"Try a key:", []*cobra.Command{a.registerCommand(), a.loginCommand(), a.demoCommand(), a.serveCommand()}},
	}
}

// withoutArgs has the commands that don't say what arguments they take refuse all.
func withoutArgs(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Args == nil {
			c.Args = noArgs
		}
		withoutArgs(c)
	}
}

func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
	case c.HasAvailableSubCommands():
		return noCommand(c, args[0])
	default:
		return badUse("%s takes no arguments, but was given %q; %[1]s --help tells more", c.CommandPath(), args)
	}
	return nil
}

// noCommand says that a command has no such part, and which the user may have meant.
func noCommand(c *cobra.Command, name string) error {
	const mistypes = 2 // letters
	c.SuggestionsMinimumDistance = mistypes
	meant := ""
	if near := c.SuggestionsFor(name); len(near) > 0 {
		meant = ": is it " + strings.Join(near, " or ") + " that you mean?"
	}
	return badUse("there is no command %q in %s%s", name, c.CommandPath(), cmp.Or(meant, "; "+c.CommandPath()+" --help tells what there is"))
}

// exactArgs has a command take n arguments.
func exactArgs(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return badUse("it is %s: %d arguments, not %d; %s --help tells more", c.UseLine(), n, len(args), c.CommandPath())
		}
		return nil
	}
}

// someArgs has a command take one argument or more.
func someArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return badUse("it is %s: at least one is needed; %s --help tells more", c.UseLine(), c.CommandPath())
	}
	return nil
}

func (a *app) checkFlags() error {
	if a.timeout <= 0 {
		return badUse("--timeout %v is not a time to wait", a.timeout)
	}
	if a.color != "auto" && a.color != "always" && a.color != "never" {
		return badUse("--color %q is not auto, always or never", a.color)
	}
	if _, ok := locks[a.lock]; !ok {
		return badUse("--lock %q is not open, call or none", a.lock)
	}
	return nil
}

func fixed(words ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// files has a shell offer files.
func files(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// version is what the Go toolchain knows of this build.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}
