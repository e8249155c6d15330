// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.check;

import io.eslm.autograd.Op;
import io.eslm.autograd.Parameter;
import io.eslm.autograd.Tape;
import io.eslm.autograd.Variable;
import io.eslm.autograd.op.WeightedSum;
import io.eslm.tensor.Checks;
import io.eslm.tensor.DType;
import io.eslm.tensor.Rng;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Storage;
import io.eslm.tensor.backend.Workspace;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * Checks a backward pass: for a random w, the gradient of f(x) = Σ w ⊙ op(x) must equal (f(x + h) − f(x − h))/2h in every
 * element of every input. It computes in F64, because the difference of two floats is mostly rounding: in F32, errors below
 * 4e-4 of the largest gradient are invisible.
 *
 * <p>An error of the difference quotient is f‴·h²/6 from truncation plus about 2⁻⁵³·|f|/h from rounding; with h = 1e-5 both
 * are near 1e-11 for the values of order 1 that {@link SampleSource} gives, so {@link #TOLERANCE} leaves them a wide margin
 * and is still far below any mistake in a formula.
 */
public final class GradCheck {
    /** Largest error allowed, as a fraction of the largest gradient of the same input. */
    public static final double TOLERANCE = 1e-7;
    /** Step of the differences, times max(1, |x|). */
    private static final double STEP = 1e-5;

    /** The output and the gradient of each input, in row-major order. */
    public record Result(double[] output, List<double[]> gradients) {
    }

    private GradCheck() {
    }

    /**
     * Compares the gradients of {@code op} with differences, in every element of every input.
     *
     * @param inputs F64, on a backend that supports it; {@link SampleSource} makes random ones. They are unchanged afterwards
     * @throws AssertionError naming the input, the element and both numbers
     */
    public static void check(Op op, Tensor... inputs) {
        check(op.name(), List.of(inputs), (tape, v) -> tape.apply(op, v), Rng.of(0));
    }

    /**
     * Like {@link #check(Op, Tensor...)}, for a function of several ops.
     *
     * @param name of the function, for the message
     * @param rng draws w
     */
    public static void check(String name, List<Tensor> inputs, Sample.Composed f, Rng rng) {
        inputs.forEach(x -> Checks.type("grad check", DType.F64, x.dtype()));
        Workspace workspace = new Workspace(inputs.getFirst().backend());
        double[] w = weights(output(workspace, inputs, f).length, rng);
        List<double[]> gradients = run(workspace, inputs, f, w).gradients;
        for (int i = 0; i < inputs.size(); i++) {
            compare(name + ": input " + i, inputs.get(i).shape(), gradients.get(i),
                    differences(workspace, inputs, i, f, w));
        }
    }

    /** The output of {@code f}, and the gradient of each input if that of the output is {@code w}. */
    public static Result run(Workspace workspace, List<Tensor> inputs, Sample.Composed f, double[] w) {
        Backend backend = workspace.backend();
        try (Tape tape = Tape.recording(workspace, Rng.of(0))) {
            List<Parameter> parameters = inputs.stream().map(Parameter::new).toList();
            Variable y = f.apply(tape, parameters.stream().map(p -> p.on(tape)).toArray(Variable[]::new));
            double[] output = y.value().toDoubles();
            Tensor weights = Tensor.of(backend, y.value().dtype(), w, w.length);
            tape.backward(tape.apply(new WeightedSum(null, weights), y));
            return new Result(output, parameters.stream().map(p -> p.gradient().toDoubles()).toList());
        }
    }

    /** {@code n} standard normal numbers that floats can hold. */
    public static double[] weights(int n, Rng rng) {
        return DoubleStream.generate(() -> (float) rng.nextGaussian()).limit(n).toArray();
    }

    private static double[] differences(Workspace workspace, List<Tensor> inputs, int i, Sample.Composed f,
            double[] w) {
        Tensor x = inputs.get(i);
        double[] values = x.toDoubles();
        double[] slopes = new double[values.length];
        for (int j = 0; j < values.length; j++) {
            Storage element = x.backend().slice(x.storage(), j, 1);
            double above = values[j] + STEP * Math.max(1, Math.abs(values[j]));
            double below = values[j] - STEP * Math.max(1, Math.abs(values[j]));
            x.backend().write(element, new double[] {above}, 0, 1);
            double[] yAbove = output(workspace, inputs, f);
            x.backend().write(element, new double[] {below}, 0, 1);
            double[] yBelow = output(workspace, inputs, f);
            x.backend().write(element, values, j, 1);
            for (int k = 0; k < w.length; k++) {
                slopes[j] += w[k] * ((yAbove[k] - yBelow[k]) / (above - below));
            }
        }
        return slopes;
    }

    /** The output of {@code f}, on an evaluation tape. */
    public static double[] output(Workspace workspace, List<Tensor> inputs, Sample.Composed f) {
        try (Tape tape = Tape.evaluation(workspace)) {
            return f.apply(tape, inputs.stream().map(tape::constant).toArray(Variable[]::new)).value().toDoubles();
        }
    }

    private static void compare(String what, Shape shape, double[] backward, double[] differences) {
        double largest = Math.max(largest(backward), largest(differences));
        for (int j = 0; j < backward.length; j++) {
            double error = Math.abs(backward[j] - differences[j]);
            if (!(error <= TOLERANCE * largest)) {
                throw new AssertionError(String.format(
                        "%s at %s of %s: backward gives %.12g, differences give %.12g; the error is %.2g of the largest gradient,"
                                + " the limit is %.2g",
                        what, index(j, shape), shape, backward[j], differences[j], error / largest, TOLERANCE));
            }
        }
    }

    private static double largest(double[] values) {
        return DoubleStream.of(values).map(Math::abs).max().orElse(0);
    }

    /** Position of element {@code flat}, for example (1, 3). */
    private static String index(int flat, Shape shape) {
        int[] index = new int[shape.rank()];
        int rest = flat;
        for (int axis = index.length - 1; axis >= 0; axis--) {
            index[axis] = rest % shape.dim(axis);
            rest /= shape.dim(axis);
        }
        return Shape.of(index).toString();
    }
}
