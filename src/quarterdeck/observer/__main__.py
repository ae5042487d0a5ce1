"""`python -m quarterdeck.observer`: the observer process; the station starts it, people do not."""

from quarterdeck.observer.main import main

if __name__ == "__main__":
    main()
