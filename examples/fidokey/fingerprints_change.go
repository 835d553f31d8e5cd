package main

import (
	"context"
	"slices"
	"strings"

	"github.com/gofido/fido"
	"github.com/gofido/fido/ctap2"
	"github.com/spf13/cobra"
)

func (a *app) fingerprintsRenameCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rename ID|NAME NEW",
		Short: "Give a fingerprint another name",
		Args:  exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error { return a.renameFingerprint(ctx, key, args[0], args[1]) })
		},
	}
}

func (a *app) renameFingerprint(ctx context.Context, key *fido.Key, word, name string) error {
	_, sensor, err := sensorOf(ctx, key)
	if err != nil {
		return err
	}
	if err := checkName(name, sensor); err != nil {
		return err
	}
	token, all, err := a.fingerprints(ctx, key)
	if err != nil {
		return err
	}
	defer token.Wipe()
	f, err := findFingerprint(all, word)
	if err != nil {
		return err
	}
	if err := checkNew(all, name, f.TemplateID); err != nil {
		return err
	}
	if err := key.SetFingerprintName(ctx, token, f.TemplateID, name); err != nil {
		return err
	}
	before := f
	f.TemplateFriendlyName = name
	return a.result(listFingerprint(f), func() { a.tell("The fingerprint %v is named %s now.", before, shownName(name)) })
}

func (a *app) fingerprintsRemoveCommand() *cobra.Command {
	var yes, dryRun bool
	c := &cobra.Command{
		Use:   "remove ID|NAME...",
		Short: "Have the key forget fingerprints",
		Long: `Have the key forget fingerprints. Once it knows none any more it asks for its PIN
again.`,
		Args: someArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if err := a.canConfirm(yes || dryRun); err != nil {
				return err // before the user is asked for the PIN in vain
			}
			return a.withKey(c.Context(), func(ctx context.Context, key *fido.Key) error {
				return a.removeFingerprints(ctx, key, args, yes, dryRun)
			})
		},
	}
	yesFlag(c, &yes)
	dryRunFlag(c, &dryRun, "removed", "remove")
	return c
}

// removedFingerprints is the JSON form of what was removed.
type removedFingerprints struct {
	Removed []listedFingerprint `json:"removed"`
	Left    int                 `json:"left"`
	DryRun  bool                `json:"dryRun"` // nothing was removed
}

func (a *app) removeFingerprints(ctx context.Context, key *fido.Key, words []string, yes, dryRun bool) error {
	if _, _, err := sensorOf(ctx, key); err != nil {
		return err
	}
	token, all, err := a.fingerprints(ctx, key)
	if err != nil {
		return err
	}
	defer token.Wipe()
	var chosen []fingerprint
	for _, word := range words {
		f, err := findFingerprint(all, word)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(chosen, func(o fingerprint) bool { return o.long == f.long }) {
			chosen = append(chosen, f)
		}
	}
	done := removedFingerprints{Removed: []listedFingerprint{}, Left: len(all) - len(chosen), DryRun: dryRun}
	names := make([]string, len(chosen))
	for i, f := range chosen {
		done.Removed = append(done.Removed, listFingerprint(f))
		names[i] = f.String()
	}
	if done.Left == 0 {
		a.hint("The key knows no other finger: after this it asks for its PIN again.")
	}
	if dryRun {
		return a.result(done, func() { a.tell("Would remove %s.", strings.Join(names, ", ")) })
	}
	if err := a.confirm(ctx, yes, "Remove %s?", strings.Join(names, ", ")); err != nil {
		return err
	}
	for i, f := range chosen {
		if err := key.RemoveFingerprint(ctx, token, f.TemplateID); err != nil {
			if i > 0 {
				a.hint("Removed %s, and not the others.", strings.Join(names[:i], ", "))
			}
			return err
		}
	}
	if a.json {
		return a.printJSON(done)
	}
	a.tell("Removed %s.", strings.Join(names, ", "))
	return a.tellLeft(ctx, key, done.Left)
}

func (a *app) tellLeft(ctx context.Context, key *fido.Key, left int) error {
	if left > 0 {
		return nil
	}
	info, err := key.GetInfo(ctx)
	if err == nil && !info.Options[ctap2.OptionUV] {
		a.tell("The key asks for its PIN again.")
	}
	return err
}
