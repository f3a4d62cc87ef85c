# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/policy/libpolicy.a
daemon_policy_libpolicy_a_SOURCES = \
	daemon/policy/policy.h daemon/policy/program.h daemon/policy/ast.h \
	daemon/policy/keywords.c daemon/policy/keywords.h daemon/policy/keywords.def daemon/policy/words.def daemon/policy/causes.def \
	daemon/policy/diagnose.c daemon/policy/diagnose.h daemon/policy/messages.def \
	daemon/policy/fraction.c daemon/policy/fraction.h \
	daemon/policy/unit.c daemon/policy/unit.h \
	daemon/policy/lexer.c daemon/policy/lexer.h \
	daemon/policy/parser.c daemon/policy/parser.h daemon/policy/parse_expression.c daemon/policy/parse_clause.c \
	daemon/policy/parse_attribute.c daemon/policy/parse_example.c daemon/policy/amount.c daemon/policy/amount.h \
	daemon/policy/gradual.c daemon/policy/gradual.h daemon/policy/parse_gradual.c \
	daemon/policy/trial.c daemon/policy/trial.h daemon/policy/parse_trial.c \
	daemon/policy/compiler.h daemon/policy/compile.c daemon/policy/declare.c daemon/policy/elaborate.c daemon/policy/operand.h daemon/policy/operand.c \
	daemon/policy/quantity.c daemon/policy/comparison.c daemon/policy/code.c daemon/policy/phrase.c daemon/policy/aggregate.c \
	daemon/policy/clause.c daemon/policy/contradict.c daemon/policy/emit.c daemon/policy/near_miss.c daemon/policy/near_miss.h daemon/policy/nearest.c daemon/policy/policy.c \
	daemon/policy/limit.h daemon/policy/limit.c daemon/policy/implies.h daemon/policy/implies.c daemon/policy/versions.h daemon/policy/versions.c daemon/policy/check_clauses.h daemon/policy/check_clauses.c daemon/policy/supply.h daemon/policy/supply.c \
	daemon/policy/example.h daemon/policy/example.c daemon/policy/test.c \
	daemon/policy/unparse.h daemon/policy/unparse.c daemon/policy/mutants.def daemon/policy/mutant.h daemon/policy/mutant_expr.c \
	daemon/policy/mutant_statement.c daemon/policy/mutate.c \
	daemon/policy/machine.h daemon/policy/vectorise.h daemon/policy/run.c daemon/policy/rows.c daemon/policy/extract.c daemon/policy/machine.c daemon/policy/machine_large.c daemon/policy/outcome.c \
	daemon/policy/leaf.h daemon/policy/extract_rare.c daemon/policy/kernel.h daemon/policy/machine_choice.c \
	daemon/policy/parse_expression.h daemon/policy/parse_value.c \
	daemon/policy/choice.c daemon/policy/bounds.c daemon/policy/declare_standard.c daemon/policy/trait.h daemon/policy/trait.c daemon/policy/trait_condition.c \
	daemon/policy/readers.h daemon/policy/readers.c \
	daemon/policy/display.h daemon/policy/display.c daemon/policy/explain.c daemon/policy/disagreement.h daemon/policy/disagreement.c \
	daemon/policy/whatif.c daemon/policy/whatif.h \
	daemon/policy/show.c daemon/policy/show_html.c daemon/policy/format.c daemon/policy/diff.c
