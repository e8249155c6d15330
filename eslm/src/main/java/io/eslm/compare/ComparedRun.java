// SPDX-License-Identifier: Apache-2.0
package io.eslm.compare;

import io.eslm.gpt2.train.Flops;
import io.eslm.report.RunLog;
import io.eslm.task.TaskFigures;
import io.eslm.tensor.io.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One finished run of a {@link Comparison}, read from its folder. Losses in nats.
 *
 * @param curve the evaluations during training, in order
 * @param loss over the whole half of the held-out data, after the last step
 * @param bitsPerByte the loss in bits per byte of text; NaN if the tokenizer is not known
 * @param tail CVaR₀.₉ of the token loss over that half
 * @param domains loss of each domain of that half
 * @param flops of all steps
 * @param seconds of all steps, without evaluations
 * @param otherLoad share of the CPU that other programs used since the run was last started or resumed; NaN if unknown
 * @param tasks what it reaches in tasks, after the last step
 */
public record ComparedRun(long seed, List<Point> curve, double loss, double bitsPerByte, double tail,
        Map<String, Double> domains, Flops flops, double seconds, double otherLoad, TaskFigures tasks) {
    /** The evaluation over the whole half, after the last step; a run that has it is finished. */
    static final String FINAL = "final.json";
    static final String OTHER_LOAD = "seconds_other_load";
    /** Above this load of other programs, seconds cannot be compared. */
    private static final double DISTURBING = 0.05;

    /** One evaluation, and the cost of the steps before it. The loss is in nats; in bits per byte, if vocabularies are mixed. */
    public record Point(long step, double loss, double flops, double seconds) {
    }

    /** True if the run in {@code dir} is finished. */
    static boolean isFinished(Path dir) {
        return Files.exists(dir.resolve(FINAL));
    }

    /** @param bytes whether the curve is in bits per byte */
    static ComparedRun read(Path dir, long seed, boolean bytes) {
        List<Point> curve = new ArrayList<>();
        Flops flops = Flops.ZERO;
        double seconds = 0;
        for (Json line : RunLog.lines(dir)) {
            if (line.object().has("val_loss")) {
                curve.add(new Point(line.count("step"), line.number(bytes ? RunLog.BITS_PER_BYTE : "val_loss"),
                        flops.total(), seconds));
            } else if (RunLog.isStep(line)) {
                flops = flops.plus(RunLog.flops(line));
                seconds += line.number("ms") / 1e3;
            }
        }
        Json end = Json.read(dir.resolve(FINAL));
        return new ComparedRun(seed, curve, end.number("val_loss"),
                end.has(RunLog.BITS_PER_BYTE) ? end.number(RunLog.BITS_PER_BYTE) : Double.NaN, end.number("val_cvar90"),
                end.map("domains", Double.class), flops, seconds, end.number(OTHER_LOAD),
                CompareTasks.read(dir));
    }

    /** Optimizer steps before the last evaluation. */
    long steps() {
        return curve.isEmpty() ? 0 : curve.getLast().step();
    }

    /** True if other programs used so much of the CPU that the seconds cannot be compared. */
    public boolean isDisturbed() {
        return otherLoad > DISTURBING;
    }

    double worstDomain() {
        return domains.values().stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN);
    }

    /** FLOPs until the curve first reaches {@code target}, linear between evaluations; NaN if it never does. */
    double flopsTo(double target) {
        return first(target, curve.stream().mapToDouble(Point::flops).toArray());
    }

    /** Like {@link #flopsTo}, in seconds. */
    double secondsTo(double target) {
        return first(target, curve.stream().mapToDouble(Point::seconds).toArray());
    }

    private double first(double target, double[] spent) {
        for (int i = 0; i < spent.length; i++) {
            double here = curve.get(i).loss;
            if (here <= target) {
                double before = i == 0 ? Double.NaN : curve.get(i - 1).loss;
                double share = Double.isFinite(before) ? (before - target) / (before - here) : 1;
                return i == 0 ? spent[0] : spent[i - 1] + share * (spent[i] - spent[i - 1]);
            }
        }
        return Double.NaN;
    }
}
