// Package ctaphidtest has test doubles for the report seam, [ctaphid.Device]:
//
//   - [Script] plays a transcript: it expects reports, answers with others and
//     fails the test when the host does something else;
//   - [Func] answers whole messages with a function;
//   - [Faulty] wraps any Device and does to its reports what bad cables, bad
//     firmware and other programs do;
//   - [Recorder] wraps any Device and writes the transcript.
//
// All of them keep deadlines and delays with package time alone, so that they
// run in virtual time inside a testing/synctest bubble.
package ctaphidtest
