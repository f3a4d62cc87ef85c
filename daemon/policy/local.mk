# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/policy/libpolicy.a
daemon_policy_libpolicy_a_SOURCES = \
	daemon/policy/policy.h daemon/policy/policy.c \
	daemon/policy/syntax/ast.h daemon/policy/syntax/causes.def daemon/policy/syntax/diagnose.c daemon/policy/syntax/diagnose.h \
	daemon/policy/syntax/format.c daemon/policy/syntax/format.h daemon/policy/syntax/fraction.c daemon/policy/syntax/fraction.h \
	daemon/policy/syntax/keywords.c daemon/policy/syntax/keywords.def daemon/policy/syntax/keywords.h \
	daemon/policy/syntax/lexer.c daemon/policy/syntax/lexer.h daemon/policy/syntax/messages.def daemon/policy/syntax/parse_attribute.c \
	daemon/policy/syntax/parse_clause.c daemon/policy/syntax/parse_definition.c daemon/policy/syntax/parse_example.c \
	daemon/policy/syntax/parse_expression.c daemon/policy/syntax/parse_expression.h daemon/policy/syntax/parse_gradual.c \
	daemon/policy/syntax/parse_policy.c daemon/policy/syntax/parse_source.c \
	daemon/policy/syntax/parse_trial.c daemon/policy/syntax/parse_value.c daemon/policy/syntax/parser.c daemon/policy/syntax/parser.h \
	daemon/policy/syntax/trait.c daemon/policy/syntax/trait.h daemon/policy/syntax/unit.c daemon/policy/syntax/unit.h \
	daemon/policy/syntax/unparse.c daemon/policy/syntax/unparse.h daemon/policy/syntax/words.def \
	daemon/policy/machine/display.c daemon/policy/machine/display.h daemon/policy/machine/extract.c \
	daemon/policy/machine/extract_rare.c daemon/policy/machine/kernel.h daemon/policy/machine/leaf.h \
	daemon/policy/machine/machine.c daemon/policy/machine/machine.h daemon/policy/machine/machine_choice.c \
	daemon/policy/machine/machine_large.c daemon/policy/machine/outcome.c daemon/policy/machine/program.h daemon/policy/machine/rows.c \
	daemon/policy/machine/run.c daemon/policy/machine/standard.c daemon/policy/machine/vectorise.h daemon/policy/machine/version.c daemon/policy/machine/version.h \
	daemon/policy/compile/aggregate.c daemon/policy/compile/amount.c daemon/policy/compile/amount.h daemon/policy/compile/bounds.c \
	daemon/policy/compile/check_clauses.c daemon/policy/compile/check_clauses.h daemon/policy/compile/choice.c \
	daemon/policy/compile/clause.c daemon/policy/compile/code.c daemon/policy/compile/comparison.c daemon/policy/compile/compile.c \
	daemon/policy/compile/compiler.h daemon/policy/compile/contradict.c daemon/policy/compile/declare.c \
	daemon/policy/compile/declare_standard.c daemon/policy/compile/elaborate.c daemon/policy/compile/emit.c \
	daemon/policy/compile/example.c daemon/policy/compile/example.h daemon/policy/compile/gradual.c daemon/policy/compile/gradual.h \
	daemon/policy/compile/implies.c daemon/policy/compile/implies.h daemon/policy/compile/limit.c daemon/policy/compile/limit.h \
	daemon/policy/compile/nearest.c daemon/policy/compile/operand.c daemon/policy/compile/operand.h daemon/policy/compile/phrase.c \
	daemon/policy/compile/quantity.c daemon/policy/compile/readers.c daemon/policy/compile/readers.h \
	daemon/policy/compile/supply.c daemon/policy/compile/supply.h daemon/policy/compile/trait_condition.c \
	daemon/policy/compile/trial.c daemon/policy/compile/trial.h daemon/policy/compile/versions.c daemon/policy/compile/versions.h \
	daemon/policy/tell/diff.c daemon/policy/tell/disagreement.c daemon/policy/tell/disagreement.h daemon/policy/tell/explain.c \
	daemon/policy/tell/near_miss.c daemon/policy/tell/near_miss.h daemon/policy/tell/show.c daemon/policy/tell/show_html.c \
	daemon/policy/tell/show_html_clauses.c daemon/policy/tell/show_html_internal.h daemon/policy/tell/show_html_parts.c \
	daemon/policy/tell/show_html_trials.c daemon/policy/tell/show_html_values.c \
	daemon/policy/tell/whatif.c daemon/policy/tell/whatif.h \
	daemon/policy/prove/mutant.h daemon/policy/prove/mutant_expr.c daemon/policy/prove/mutant_statement.c \
	daemon/policy/prove/mutants.def daemon/policy/prove/mutate.c daemon/policy/prove/test.c
