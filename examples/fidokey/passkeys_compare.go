package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/gofido/fido/examples/internal/layout"
	"github.com/gofido/fido/examples/internal/passkeys"
	"github.com/gofido/fido/examples/internal/typed"
	"github.com/spf13/cobra"
)

func (a *app) passkeysCompareCommand() *cobra.Command {
	var lost string
	c := &cobra.Command{
		Use:   "compare A B",
		Short: "Say which accounts are on both of two keys, and which lack a backup",
		Long: `Say which accounts have a passkey on both of two keys, and which on one alone, so that
they are lost with it. A and B are each a key, in the form of --device, or a file in
which passkeys list --json was kept (- is standard input):

    fidokey passkeys list --json > first-key.json
    fidokey passkeys compare first-key.json /dev/hidraw0

--lost A says what to do when key A is lost: where to log in with B and remove A, and
which accounts can be got back only in the way that their sites have for that. --lost B
does the same for B. Keep a list of your key for that day.

A passkey on A and one on B are the same account's if site and user handle are the
same. If a site gives each passkey another user handle, the names must do, and that
is said. Sites where a key is a second factor alone leave no passkey on it: they are
not among what is compared, and only the sites know of them.

The exit code is ` + fmt.Sprint(exitNoBackup) + ` if there is an account on one key alone; with --lost, if one was on the
lost key alone.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return badUse("two keys are compared, or lists of them: it is %s A B, with a key or a file for each", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch lost {
			case "", "A", "B":
			case "a", args[0]:
				lost = "A"
			case "b", args[1]:
				lost = "B"
			default:
				return badUse("--lost %q is not A or B: %s is A, and %s is B", lost, quoted(args[0]), quoted(args[1]))
			}
			return a.passkeysCompare(c.Context(), args, lost)
		},
	}
	c.Flags().StringVar(&lost, "lost", "", "say what to do now that this `KEY`, A or B, is lost")
	c.RegisterFlagCompletionFunc("lost", fixed("A", "B"))
	c.ValidArgsFunction = func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= 2 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		words, _ := completeDevices(c, args, word)
		return words, cobra.ShellCompDirectiveDefault // and files
	}
	return c
}

// What tells the JSON form of a comparison from others.
const (
	comparisonFormat  = "fidokey passkeys compare"
	comparisonVersion = 1
)

// passkeyComparison is the JSON form of a comparison.
type passkeyComparison struct {
	Format   string             `json:"format"`  // comparisonFormat
	Version  int                `json:"version"` // comparisonVersion
	A        passkeys.Key       `json:"a"`
	B        passkeys.Key       `json:"b"`
	Lost     string             `json:"lost,omitempty"` // "A" or "B", of --lost
	Accounts []passkeys.Account `json:"accounts"`       // by RP ID and name

	a, b *comparedKey
}

// comparedKey is one of the two.
type comparedKey struct {
	letter, arg string
	fromFile    bool
	*passkeys.Listing
}

func (a *app) passkeysCompare(ctx context.Context, args []string, lost string) error {
	if a.device != "" {
		return badUse("compare takes the keys as arguments, not with --device")
	}
	if args[0] == args[1] {
		return badUse("both are %s: to compare two keys that take turns at one place, keep fidokey passkeys list --json of one in a file", quoted(args[0]))
	}
	if a.pinStdin && (args[0] == "-" || args[1] == "-") {
		return badUse("standard input can't hold both a listing and the PIN")
	}
	keys := [2]*comparedKey{{letter: "A", arg: args[0]}, {letter: "B", arg: args[1]}}
	for _, k := range keys {
		if err := a.readCompared(ctx, k); err != nil {
			return err
		}
	}
	one, other := keys[0], keys[1]
	if passkeys.SameKey(one.Listing, other.Listing) {
		return fmt.Errorf("%s and %s are one and the same key, which is no backup of itself", quoted(one.arg), quoted(other.arg))
	}
	r := &passkeyComparison{
		Format: comparisonFormat, Version: comparisonVersion, A: one.Key, B: other.Key, Lost: lost,
		Accounts: passkeys.Compare(one.Listing, other.Listing), a: one, b: other,
	}
	words := a.printComparison
	if lost != "" {
		passkeys.AfterLoss(r.Accounts, lost)
		words = a.printLoss
	}
	if err := a.result(r, func() { words(r) }); err != nil {
		return err
	}
	return r.verdict()
}

// readCompared reads the listing of a key or of a file.
func (a *app) readCompared(ctx context.Context, k *comparedKey) (err error) {
	if file, ok, err := a.listingFile(k.arg); err != nil {
		return err
	} else if ok {
		defer file.Close()
		k.fromFile = true
		ctx, cancel := context.WithTimeoutCause(ctx, a.timeout, errNoEnd)
		defer cancel()
		if k.Listing, err = typed.Await(ctx, func() (*passkeys.Listing, error) { return passkeys.Parse(file) }); err != nil && ctx.Err() == nil {
			return fmt.Errorf("%s can't be compared: %w", quoted(k.arg), err)
		}
		return err
	}
	// The two keys have PINs of their own.
	a.device, a.keyName = k.arg, "key "+k.letter+", "+quoted(k.arg)
	clear(a.pin)
	a.pin, a.contactless = nil, false
	defer func() { a.device, a.keyName = "", "" }()
	err = a.withPasskeys(ctx, toRead, func(m *passkeyManager) error {
		k.Listing, err = m.read(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("key %s, %s: %w", k.letter, quoted(k.arg), err)
	}
	k.WipeLargeBlobKeys()
	return nil
}

// devicePrefix begins a --device that is no path.
var devicePrefix = regexp.MustCompile(`^(virtual|udp|pcsc|vpcd|vpcd-listen):`)

// listingFile opens an argument that is a file and no device.
func (a *app) listingFile(arg string) (io.ReadCloser, bool, error) {
	if arg == "-" {
		return io.NopCloser(a.in), true, nil
	}
	if arg == virtualDevice || devicePrefix.MatchString(arg) {
		return nil, false, nil
	}
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(arg, ".json"):
		return nil, false, badUse("there is no file %s", quoted(arg))
	case err != nil || info.Mode()&fs.ModeDevice != 0 || info.IsDir():
		return nil, false, nil // whatever it is, it is for --device to say
	}
	file, err := os.Open(arg)
	if err != nil {
		return nil, false, unusable(arg, err)
	}
	return file, true, nil
}

// words says which key it is, and what was found.
func (k *comparedKey) words() string {
	which := quoted(k.arg)
	if k.fromFile {
		which += ", a list of " + k.Created.Format("2 January 2006")
		if name := k.Key.Name(); name != "" {
			which += " of the key " + name
		}
	}
	return fmt.Sprintf("%s is %s, with %s.", k.letter, which, plural(k.Count(), "passkey"))
}

// verdict is the error that makes the exit code.
func (r *passkeyComparison) verdict() error {
	onA, onB, _ := passkeys.Split(r.Accounts)
	n := len(onA) + len(onB)
	switch r.Lost {
	case "A":
		n = len(onA)
	case "B":
		n = len(onB)
	}
	switch {
	case n == 0:
		return nil
	case r.Lost != "":
		return problem(exitNoBackup, "%s had no backup", plural(n, "account"))
	}
	return problem(exitNoBackup, "%s %s no backup", plural(n, "account"), pick(n, "has", "have"))
}

const secondFactorHint = "Sites where a key is a second factor alone are not among these: no key can list them."

func (a *app) printComparison(r *passkeyComparison) {
	fmt.Fprintf(a.folded(a.out), "%s\n%s\n", r.a.words(), r.b.words())
	onA, onB, both := passkeys.Split(r.Accounts)
	a.printAccounts("On both", both)
	a.printAccounts("On A alone, without a backup", onA)
	a.printAccounts("On B alone, without a backup", onB)
	if len(onA)+len(onB) == 0 {
		fmt.Fprintln(a.folded(a.out), "Every account is on both keys.")
	} else {
		a.hint("To make a backup, log in there with the one key, and add the other as a passkey in the security settings.")
	}
	a.hint(secondFactorHint)
}

func (a *app) printLoss(r *passkeyComparison) {
	fmt.Fprintf(a.folded(a.out), "%s\n%s\n", r.a.words(), r.b.words())
	lost, kept := r.a, r.b
	if r.Lost == "B" {
		lost, kept = r.b, r.a
	}
	toDo := make(map[string][]passkeys.Account)
	for _, c := range r.Accounts {
		toDo[c.ToDo] = append(toDo[c.ToDo], c)
	}
	a.printAccounts(fmt.Sprintf("Log in with %s, and remove %s in the security settings", kept.letter, lost.letter), toDo[passkeys.ToDoRemove])
	a.printAccounts(fmt.Sprintf("Only %s was registered: log in another way, or ask the site to recover the account, and remove %s", lost.letter, lost.letter), toDo[passkeys.ToDoRecover])
	if len(toDo[passkeys.ToDoRemove])+len(toDo[passkeys.ToDoRecover]) == 0 {
		fmt.Fprintf(a.folded(a.out), "There was no passkey on %s.\n", lost.letter)
	}
	a.hint("Where %s was a second factor alone it must be removed, too; no key can list those sites.", lost.letter)
}

func (a *app) printAccounts(title string, accounts []passkeys.Account) {
	if len(accounts) == 0 {
		return
	}
	var t layout.Table
	for _, c := range accounts {
		note := ""
		if c.MatchedBy == passkeys.MatchedByName {
			note = "by the name alone: check it there"
		}
		t.Add(c.Site.Words(), c.User.Words(), note)
	}
	fmt.Fprintf(a.folded(a.out), "%s (%d):\n", a.paint(a.out, bold, title), len(accounts))
	a.printTable(t, "  ")
}
