"""`python -m quarterdeck.observer`: the observer process; the station starts it, people do not."""

from quarterdeck.observer.process import main

if __name__ == "__main__":
    main()
