package fido

var ChooseReader = chooseReader
