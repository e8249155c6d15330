// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.report.Table;
import io.eslm.report.Visible;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Tells a step as text: an indented table of its ops, and answers to what a reader asks next. */
public final class ExplainText {
    private static final int MOST_LINES = 12;
    private static final int COLUMNS = 11;

    private final Explanation told;

    private ExplainText(Explanation told) {
        this.told = told;
    }

    /** All of it; lines end with a line break. */
    public static String of(Explanation told) {
        ExplainText text = new ExplainText(told);
        return text.head() + "\n" + text.ops() + "\n" + text.mask() + text.dropped() + text.row() + text.saved();
    }

    /** What was trained on what, in a few lines. */
    static String head(Explanation told) {
        return new ExplainText(told).head();
    }

    private String head() {
        StepOutcome o = told.outcome();
        String threshold = Double.isNaN(o.valueAtRisk()) ? ""
                : format(", value-at-risk %.4f at α = %.4g", o.valueAtRisk(), o.alpha());
        return Visible.line(told.what()) + format("%n%s on %s%n", told.method(), told.backend())
                + format("%,d tokens: %,d kept, %,d dropped%s%n", told.tokens().size(), told.kept(),
                        told.tokens().size() - told.kept(), threshold)
                + format("loss %.4f over the %,d tokens that the head saw, %.4f over the kept ones; "
                        + "gradient norm %.4g before clipping; learning rate %.3g%n", o.loss(), o.tokens(),
                        o.keptLoss(), o.gradNorm(), told.step().learningRate());
    }

    // ---- ops

    private String ops() {
        Table table = new Table(
                format("Every op, forward and backward; ms of the fastest of %d passes (the fastest whole step took "
                        + "%s ms):",
                        told.repetitions(), Figures.ms(told.fastest())),
                "part and op", "output", "forward: mul-adds", "bytes", "ms", "peak",
                "backward: rows",
                "mul-adds", "bytes", "ms", "peak");
        for (Group group : Group.of(told.ops())) {
            boolean alone = group.ops().size() == 1;
            if (!alone) {
                table.add(sum(group.name(), group.forward(OpRecord.Cost::flops), group.forward(OpRecord.Cost::bytes),
                        group.forward(OpRecord.Cost::nanos) * 1e-9, group.backward(OpRecord.Cost::flops),
                        group.backward(OpRecord.Cost::bytes), group.backward(OpRecord.Cost::nanos) * 1e-9));
            }
            for (OpRecord op : group.ops()) {
                table.add(op(alone ? group.name() + "  " + op.name() : "  " + group.label(op), op));
            }
        }
        table.add(between());
        long update = StepCost.updateBytes(told.step().model().parameterCount());
        table.add(row("gradient norm, update", "", "", Figures.bytes(update),
                Figures.ms(told.update())));
        table.add(row("sum", "", Figures.count(told.cost().multiplyAdds()), Figures.bytes(told.cost().bytes()),
                Figures.ms(told.cost().seconds()),
                Figures.percent(told.shareOfPeak(told.cost().flops(), told.cost().seconds()))));
        return table.text();
    }

    private List<String> between() {
        return row("between ops", "", Figures.count(told.flopsBetweenOps() / 2), "", Figures.ms(
                told.forwardBetweenOps()), "", "", "", "", Figures.ms(told.backwardBetweenOps()));
    }

    private List<String> sum(String name, long forward, long bytes, double seconds, long backward, long backwardBytes,
            double backwardSeconds) {
        return row(name, "", Figures.count(forward / 2), Figures.bytes(bytes), Figures.ms(seconds),
                Figures.percent(told.shareOfPeak(forward, seconds)), "", Figures.count(backward / 2),
                Figures.bytes(backwardBytes), backwardBytes == 0 ? Figures.NONE : Figures.ms(backwardSeconds),
                Figures.percent(told.shareOfPeak(backward, backwardSeconds)));
    }

    private List<String> op(String name, OpRecord op) {
        OpRecord.Cost f = op.forward();
        OpRecord.Cost b = op.backward();
        boolean none = b.runs() == 0;
        return row(name, op.output().toString(), Figures.count(f.multiplyAdds()), Figures.bytes(f.bytes()),
                Figures.ms(f.seconds()), Figures.percent(told.shareOfPeak(f.flops(), f.seconds())),
                none ? Figures.NONE : Figures.rows(op.rowsKept(), op.rowsOf()), Figures.count(b.multiplyAdds()),
                Figures.bytes(b.bytes()), none ? Figures.NONE : Figures.ms(b.seconds()),
                Figures.percent(told.shareOfPeak(b.flops(), b.seconds())));
    }

    /** With empty cells at the end. */
    private static List<String> row(String... cells) {
        List<String> row = new ArrayList<>(Arrays.asList(cells));
        while (row.size() < COLUMNS) {
            row.add("");
        }
        return row;
    }

    // ---- questions

    private String mask() {
        StringBuilder text = new StringBuilder("Which gradients did the mask remove?\n");
        List<OpRecord> masked = told.ops().stream().filter(op -> op.rowsKept() < op.rowsOf()).toList().reversed();
        long windows = told.tokens().stream().filter(t -> t.end() == TokenFate.End.WINDOW).count();
        if (windows > 0) {
            text.append(
                    format("  The windows of %,d tokens were dropped before the forward pass: no op of it has a row "
                            + "for them.%n", windows));
        }
        if (masked.isEmpty()) {
            return text.append(windows > 0 ? "\n" : "  None: every token is kept.\n\n").toString();
        }
        Set<String> parts = new LinkedHashSet<>();
        masked.forEach(op -> parts.add(op.part()));
        long removed = masked.stream().mapToLong(op -> op.rowsOf() - op.rowsKept()).sum();
        return text
                .append(format("  %,d rows of gradient, in %s. In the ops before these, every row has a gradient "
                        + "again: kept tokens read dropped ones, as keys and values of attention.%n%n", removed,
                        String.join(", ", parts)))
                .toString();
    }

    private String dropped() {
        List<TokenFate> all = told.tokens().stream().filter(t -> !t.kept()).toList();
        if (all.isEmpty()) {
            return "";
        }
        StringBuilder text = new StringBuilder(format("Which tokens, and why? %,d of %,d are dropped%s:%n", all.size(),
                told.tokens().size(), all.size() > MOST_LINES ? "; the first " + MOST_LINES : ""));
        all.stream().limit(MOST_LINES).forEach(t -> text.append(format("  %s: %s%n", where(t), t.why())));
        return text.append('\n').toString();
    }

    /** A predicted token and its place. */
    private String where(TokenFate t) {
        return format("window %d, position %d, %s", window(t), t.position(), named(t.id()));
    }

    private int window(TokenFate t) {
        return t.micro() * told.step().batch().windows() + t.window();
    }

    /** {@code " the" (262)}. */
    private String named(int id) {
        return told.text(id).map(s -> "\"" + Visible.line(s) + "\" (" + id + ")").orElse("token " + id);
    }

    private String row() {
        return told.row().map(row -> {
            StringBuilder text = new StringBuilder(format("From which tokens comes row %d of the gradient of %s?%n"
                    + "  Its length is %.4g. It is the sum of %,d terms, one for each token in each op that reads the "
                    + "parameter (rounding leaves %.1g):%n", row.row(), row.parameter(), row.norm(), row.terms().size(),
                    row.rest()));
            row.terms().stream().limit(MOST_LINES).forEach(t -> {
                TokenFate token = told.tokens().get(t.token());
                OpRecord op = told.ops().get(t.op());
                text.append(format("  %6.1f %%  length %.3g  %s: reads %s, predicts %s, window %d, position %d%s%n",
                        100 * t.share(), t.norm(), op.part(), named(token.reads()), named(token.id()), window(token),
                        token.position(), token.kept() ? "" : ", dropped"));
            });
            return text.append(row.terms().size() > MOST_LINES ? "  …\n\n" : "\n").toString();
        }).orElse("");
    }

    private String saved() {
        return told.withoutSelection().map(without -> {
            StepCost cost = told.cost();
            Table table =
                    new Table("What did the step save, beside the same step on all of its tokens?", "", "this step",
                            "without selection", "saved");
            table.add(List.of("  multiply-adds", Figures.count(cost.multiplyAdds()),
                    Figures.count(without.multiplyAdds()), saved(cost.flops(), without.flops())));
            table.add(List.of("  bytes", Figures.bytes(cost.bytes()), Figures.bytes(without.bytes()),
                    saved(cost.bytes(), without.bytes())));
            table.add(List.of("  ms", Figures.ms(cost.seconds()), Figures.ms(without.seconds()),
                    saved(cost.seconds(), without.seconds())));
            return table.text();
        }).orElse("");
    }

    static String saved(double now, double without) {
        return format("%.1f %%", 100 * (1 - now / without));
    }

    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format.replace("%n", "\n"), values);
    }
}
