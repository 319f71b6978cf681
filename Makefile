# For those who type make: every word goes to ./dev.
WORDS = setup build run demo test asan tsan fuzz lint fmt cov bench dist clean
.PHONY: all $(WORDS)
all: build
$(WORDS):
	@./dev $@
