// Package nfctest has test doubles for the card seam, [nfc.Card]:
//
//   - [Script] plays a conversation: it expects command APDUs, answers them and
//     fails the test when the host does something else;
//   - [Func] answers each command APDU with a function;
//   - [Faulty] wraps any Card and does to it what bad readers and bad cards do.
//
// All of them keep delays with package time alone, so that they run in virtual
// time inside a testing/synctest bubble.
package nfctest
