package virtual
