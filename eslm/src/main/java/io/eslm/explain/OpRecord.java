// SPDX-License-Identifier: Apache-2.0
package io.eslm.explain;

import io.eslm.autograd.OpContext;
import io.eslm.autograd.op.Affine;
import io.eslm.tensor.Shape;
import io.eslm.tensor.backend.FlopCounter.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** One op of a step: what it read and made, and what both of its passes cost, summed over the micro-batches. */
public final class OpRecord {
    /** What the passes of one kind cost: {@link #flops} as counted, {@link #bytes} as {@link OpBytes} defines them. */
    public static final class Cost {
        private int runs;
        private long flops;
        private long bytes;
        private long nanos;

        /** Number of passes; 0 for a backward pass that no gradient reached. */
        public int runs() {
            return runs;
        }

        /** Floating-point operations of the matrix products and of attention; a multiply-add is two. */
        public long flops() {
            return flops;
        }

        /** Multiply-adds. */
        public long multiplyAdds() {
            return flops / 2;
        }

        /** Bytes of the operands. */
        public long bytes() {
            return bytes;
        }

        /** Seconds of the pass itself, without those of ops that it applied; the least of all repetitions. */
        public double seconds() {
            return nanos * 1e-9;
        }

        void add(long moreFlops, long moreNanos) {
            runs++;
            flops += moreFlops;
            nanos += moreNanos;
        }

        void addBytes(long more) {
            bytes += more;
        }

        void keepLeast(Cost other) {
            nanos = Math.min(nanos, other.nanos);
        }

        long nanos() {
            return nanos;
        }
    }

    private final int index;
    private final String name;
    private final String part;
    private final Phase phase;
    private final List<Shape> inputs = new ArrayList<>();
    private final Shape output;
    private final Set<Integer> sources = new TreeSet<>();
    private final List<String> weights = new ArrayList<>();
    private final Cost forward = new Cost();
    private final Cost backward = new Cost();
    private long rows;
    private long rowsKept;
    private long rowsOf;

    OpRecord(int index, OpContext op, String part, Phase phase) {
        this.index = index;
        this.name = name(op);
        this.part = part;
        this.phase = phase;
        this.output = op.output().shape();
        for (int i = 0; i < op.inputCount(); i++) {
            inputs.add(op.input(i).shape());
        }
    }

    private static String name(OpContext op) {
        return op.op() instanceof Affine a && a.gelu() ? op.name() + " + GELU" : op.name();
    }

    boolean is(OpContext op, String itsPart, Phase itsPhase) {
        return name.equals(name(op)) && part.equals(itsPart) && phase == itsPhase;
    }

    /** Takes the times of another repetition where they are shorter. */
    void keepLeast(OpRecord other) {
        forward.keepLeast(other.forward);
        backward.keepLeast(other.backward);
    }

    void source(OpRecord maker) {
        sources.add(maker.index);
    }

    void weight(String path) {
        if (!weights.contains(path)) {
            weights.add(path);
        }
    }

    void addRows(long count) {
        rows += count;
    }

    void addRows(long kept, long of) {
        rowsKept += kept;
        rowsOf += of;
    }

    /** Its place in {@link Explanation#ops}. */
    public int index() {
        return index;
    }

    /** Name of the op. */
    public String name() {
        return name;
    }

    /** The part of the model that it belongs to, for example {@code blocks.3.attention.qkv}. */
    public String part() {
        return part;
    }

    /** What it runs for. */
    public Phase phase() {
        return phase;
    }

    /** Shapes of its inputs, in the first micro-batch. */
    public List<Shape> inputs() {
        return List.copyOf(inputs);
    }

    /** Shape of its output, in the first micro-batch. */
    public Shape output() {
        return output;
    }

    /** The ops whose outputs it reads, by {@link #index}. */
    public List<Integer> sources() {
        return List.copyOf(sources);
    }

    /** The parameters that it reads, by path. */
    public List<String> weights() {
        return List.copyOf(weights);
    }

    public Cost forward() {
        return forward;
    }

    public Cost backward() {
        return backward;
    }

    /** Rows of its output, one for each token in the model's ops. */
    public long rows() {
        return rows;
    }

    /** Rows of which the backward pass computed the gradient. */
    public long rowsKept() {
        return rowsKept;
    }

    /** Rows that there are. */
    public long rowsOf() {
        return rowsOf;
    }
}
