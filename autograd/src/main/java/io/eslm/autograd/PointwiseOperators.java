// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd;

import io.eslm.autograd.op.Add;
import io.eslm.autograd.op.Dropout;
import io.eslm.autograd.op.basic.Abs;
import io.eslm.autograd.op.basic.Clamp;
import io.eslm.autograd.op.basic.Div;
import io.eslm.autograd.op.basic.Exp;
import io.eslm.autograd.op.basic.Gelu;
import io.eslm.autograd.op.basic.LeakyRelu;
import io.eslm.autograd.op.basic.Log;
import io.eslm.autograd.op.basic.Maximum;
import io.eslm.autograd.op.basic.Minimum;
import io.eslm.autograd.op.basic.Mul;
import io.eslm.autograd.op.basic.Neg;
import io.eslm.autograd.op.basic.Power;
import io.eslm.autograd.op.basic.Relu;
import io.eslm.autograd.op.basic.Reshape;
import io.eslm.autograd.op.basic.Scale;
import io.eslm.autograd.op.basic.Sigmoid;
import io.eslm.autograd.op.basic.Silu;
import io.eslm.autograd.op.basic.Softplus;
import io.eslm.autograd.op.basic.Sqrt;
import io.eslm.autograd.op.basic.Square;
import io.eslm.autograd.op.basic.Sub;
import io.eslm.autograd.op.basic.Tanh;
import io.eslm.autograd.op.basic.Where;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Shape;
import io.eslm.tensor.Tensor;
import java.util.stream.DoubleStream;

/**
 * The elementwise ops as methods of {@link Variable}: any shape in, the same shape out. Those of two variables broadcast like
 * NumPy: shapes are aligned at the last axis, and an axis of length 1 or a missing one repeats.
 */
abstract sealed class PointwiseOperators permits Operators {
    abstract Tape tape();

    abstract Tensor value();

    abstract Shape shape();

    /** Applies {@code op} to this and {@code others}, on the tape that one of them was made on. */
    public final Variable apply(Op op, Variable... others) {
        Variable[] inputs = new Variable[others.length + 1];
        inputs[0] = (Variable) this;
        System.arraycopy(others, 0, inputs, 1, others.length);
        for (Variable input : inputs) {
            if (input.tape() != null) {
                return input.tape().apply(op, inputs);
            }
        }
        return onTape(op.name()).apply(op, inputs);
    }

    /** This value on {@code tape}: {@code embedding.on(tape).gather(ids)} where no other operand says which tape to use. */
    public final Variable on(Tape tape) {
        return tape.apply(new Reshape(shape()), (Variable) this);
    }

    // ---- with another variable, broadcast, or with a number

    /** this + b. */
    public final Variable add(Variable b) {
        return apply(new Add(), b);
    }

    /** this + b. */
    public final Variable add(double b) {
        return add(scalar(b));
    }

    /** this − b. */
    public final Variable sub(Variable b) {
        return apply(new Sub(), b);
    }

    /** this − b. */
    public final Variable sub(double b) {
        return add(-b);
    }

    /** this·b, element by element; the matrix product is {@link Operators#matmul}. */
    public final Variable mul(Variable b) {
        return apply(new Mul(), b);
    }

    /** this·b. */
    public final Variable mul(double b) {
        return apply(new Scale(b));
    }

    /** this/b. */
    public final Variable div(Variable b) {
        return apply(new Div(), b);
    }

    /** this·(1/b). */
    public final Variable div(double b) {
        return apply(new Scale(1 / b));
    }

    /** The larger of this and b. */
    public final Variable maximum(Variable b) {
        return apply(new Maximum(), b);
    }

    /** The larger of this and b. */
    public final Variable maximum(double b) {
        return clamp(b, Double.POSITIVE_INFINITY);
    }

    /** The smaller of this and b. */
    public final Variable minimum(Variable b) {
        return apply(new Minimum(), b);
    }

    /** The smaller of this and b. */
    public final Variable minimum(double b) {
        return clamp(Double.NEGATIVE_INFINITY, b);
    }

    /** This within [low, high]. */
    public final Variable clamp(double low, double high) {
        return apply(new Clamp(low, high));
    }

    /** This where {@code condition}, I32, is not 0, else b. */
    public final Variable where(Tensor condition, Variable b) {
        return apply(new Where(condition), b);
    }

    /** This where {@code condition}, I32, is not 0, else b. */
    public final Variable where(Tensor condition, double b) {
        return where(condition, scalar(b));
    }

    /** 1 where this ≥ b, else 0, I32: a condition for {@link #where}. Reads the values back from the device. */
    public final Tensor ge(double b) {
        int[] holds = DoubleStream.of(value().toDoubles()).mapToInt(x -> x >= b ? 1 : 0).toArray();
        return onTape("ge").put(holds, shape().dims());
    }

    // ---- of each element

    /** −this. */
    public final Variable neg() {
        return apply(new Neg());
    }

    /** |this|. */
    public final Variable abs() {
        return apply(new Abs());
    }

    /** this^exponent. */
    public final Variable pow(double exponent) {
        return apply(new Power(exponent));
    }

    /** this². */
    public final Variable square() {
        return apply(new Square());
    }

    /** √this. */
    public final Variable sqrt() {
        return apply(new Sqrt());
    }

    /** e^this. */
    public final Variable exp() {
        return apply(new Exp());
    }

    /** The natural logarithm. */
    public final Variable log() {
        return apply(new Log());
    }

    /** The hyperbolic tangent. */
    public final Variable tanh() {
        return apply(new Tanh());
    }

    /** 1/(1 + e^−this). */
    public final Variable sigmoid() {
        return apply(new Sigmoid());
    }

    /** max(0, this). */
    public final Variable relu() {
        return apply(new Relu());
    }

    /** This where it is positive, else slope·this. */
    public final Variable leakyRelu(double slope) {
        return apply(new LeakyRelu(slope));
    }

    /** GELU in its tanh form. */
    public final Variable gelu() {
        return apply(new Gelu());
    }

    /** this·sigmoid(this). */
    public final Variable silu() {
        return apply(new Silu());
    }

    /** log(1 + e^this). */
    public final Variable softplus() {
        return apply(new Softplus());
    }

    /** Zeros at rate {@code p}, the others divided by 1 − p, while the tape records; in evaluation, this. */
    public final Variable dropout(double p) {
        Tape tape = onTape("dropout");
        return tape.dropoutRate(p) == 0 ? (Variable) this : apply(new Dropout(p, tape.nextSeed()));
    }

    private Variable scalar(double value) {
        Tape tape = onTape("a number");
        Tensor t = tape.memory(value().dtype());
        t.kernels().fill(t.storage(), 1, value);
        return tape.constant(t);
    }

    /** The tape, which a parameter lacks. */
    final Tape onTape(String op) {
        Checks.check(tape() != null, op, "a parameter belongs to no tape; write parameter.on(tape)");
        return tape();
    }
}
