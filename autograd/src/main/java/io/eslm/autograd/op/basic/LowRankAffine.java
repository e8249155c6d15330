// SPDX-License-Identifier: Apache-2.0
package io.eslm.autograd.op.basic;

import io.eslm.autograd.op.Affine;
import io.eslm.autograd.Op;
import io.eslm.autograd.OpContext;
import io.eslm.autograd.Variable;
import io.eslm.autograd.check.Sample;
import io.eslm.autograd.check.SampleSource;
import io.eslm.autograd.op.Dropout;
import io.eslm.tensor.Checks;
import io.eslm.tensor.Tensor;
import io.eslm.tensor.backend.Kernels;
import io.eslm.tensor.backend.ArrayKernels.Binary;
import java.util.stream.Stream;

/**
 * A linear layer and the low-rank adapter beside it (Hu et al. 2021, equation 3): u = x·w + bias + residual + t·bᵀ with
 * t = scale·z·aᵀ and z = dropout(x); y = u or gelu(u). Inputs: x (…, N), w (N, O), bias (O), a (R, N), b (O, R), and optionally
 * residual (…, O) → y (…, O). With du = dy or dy·gelu′(u), and dt = scale·du·b: db = duᵀ·t, da = dtᵀ·z,
 * dx = du·wᵀ + dropout′(dt·a), dw = xᵀ·du, dbias = Σ_m du, dresidual = du. What takes no gradient costs no product.
 *
 * @param scale α/R
 * @param gelu true for y = gelu(u), see {@link Kernels#gelu}
 * @param dropout rate of the elements of x that the adapter does not see, in [0, 1)
 * @param seed of the dropout, see {@link Dropout}
 */
public record LowRankAffine(double scale, boolean gelu, double dropout, int seed) implements Op {
    private static final int A = 3;
    private static final int B = 4;
    private static final int RESIDUAL = 5;

    /** This without GELU: the u of this. */
    public LowRankAffine withoutGelu() {
        return new LowRankAffine(scale, false, dropout, seed);
    }

    @Override
    public Tensor forward(OpContext context, Tensor... in) {
        Tensor x = in[0];
        Tensor w = in[1];
        int n = w.dim(0);
        int o = w.dim(1);
        int r = in[A].dim(0);
        Checks.inner("low-rank affine", x.dim(-1), n, o, x.shape(), w.shape());
        Checks.check(in[A].dim(1) == n && in[B].dim(0) == o && in[B].dim(1) == r, "low-rank affine",
                "a %s and b %s do not fit w %s", in[A].shape(), in[B].shape(), w.shape());
        Checks.check(in[2].size() == o, "low-rank affine", "bias %s does not fit the %d columns of w %s",
                in[2].shape(), o, w.shape());
        Tensor u = context.acquire(x.dtype(), x.shape().with(-1, o));
        Checks.check(in.length == RESIDUAL || in[RESIDUAL].size() == u.size(), "low-rank affine",
                "residual %s does not fit the output %s", in[in.length - 1].shape(), u.shape());
        Kernels kernels = context.kernels();
        int m = x.shape().rows();
        kernels.linear(u.storage(), x.storage(), w.storage(), in[2].storage(),
                in.length == RESIDUAL ? null : in[RESIDUAL].storage(), m, n, o);
        Tensor t = context.acquire(m, r);
        kernels.matmul(t.storage(), dropped(context, x).storage(), in[A].storage(), m, n, r, false, true, false);
        kernels.axpby(t.storage(), t.storage(), t.size(), scale, 0);
        kernels.matmul(u.storage(), t.storage(), in[B].storage(), m, r, o, false, true, true);
        if (!gelu) {
            context.save(t);
            return u;
        }
        context.save(t, u);
        Tensor y = context.acquireLike(u);
        kernels.gelu(y.storage(), u.storage(), y.size());
        return y;
    }

    private Tensor dropped(OpContext context, Tensor x) {
        if (dropout == 0) {
            return x;
        }
        Tensor z = context.acquireLike(x);
        context.kernels().dropout(z.storage(), x.storage(), x.size(), dropout, seed);
        return z;
    }

    @Override
    public void backward(OpContext context, Tensor dy) {
        Kernels kernels = context.kernels();
        if (gelu) {
            Tensor u = context.ofRows(context.saved(1));
            kernels.geluBackward(dy.storage(), u.storage(), dy.storage(), dy.size());
        }
        Tensor b = context.input(B);
        int m = dy.shape().rows();
        int o = b.dim(0);
        int r = b.dim(1);
        if (context.needs(B)) {
            OpContext.Slot db = context.gradient(B);
            kernels.matmul(db.storage(), dy.storage(), context.ofRows(context.saved(0)).storage(), o, m, r, true, false,
                    db.accumulate());
        }
        Affine.throughLinear(context, dy); // du·wᵀ is the first part of dx
        if (context.needs(A) || context.needs(0)) {
            Tensor dt = context.acquire(m, r);
            kernels.matmul(dt.storage(), dy.storage(), b.storage(), m, o, r, false, false, false);
            kernels.axpby(dt.storage(), dt.storage(), dt.size(), scale, 0);
            throughAdapter(context, dt);
        }
        context.accumulate(RESIDUAL, dy);
    }

    /** da, and dropout′(dt·a) as the second part of dx. */
    private void throughAdapter(OpContext context, Tensor dt) {
        Kernels kernels = context.kernels();
        Tensor a = context.input(A);
        int m = dt.dim(0);
        int r = dt.dim(1);
        int n = a.dim(1);
        if (context.needs(A)) {
            OpContext.Slot da = context.gradient(A);
            Tensor z = context.ofRows(dropped(context, context.input(0)));
            kernels.matmul(da.storage(), dt.storage(), z.storage(), r, m, n, true, false, da.accumulate());
        }
        if (context.needs(0) && dropout == 0) {
            OpContext.Slot dx = context.gradientOfRows(0);
            kernels.matmul(dx.storage(), dt.storage(), a.storage(), m, r, n, false, false, dx.accumulate());
        } else if (context.needs(0)) {
            Tensor dz = context.acquire(m, n);
            kernels.matmul(dz.storage(), dt.storage(), a.storage(), m, r, n, false, false, false);
            Tensor ones = context.acquireLike(context.input(0));
            kernels.fill(ones.storage(), ones.size(), 1);
            Tensor mask = context.ofRows(dropped(context, ones));
            kernels.binary(Binary.MUL, dz.storage(), dz.storage(), mask.storage(), new int[] {dz.size()}, new int[] {1},
                    new int[] {1});
            context.accumulate(0,
                    dz.reshape(context.rows() == null ? context.input(0).shape().dims() : dz.shape().dims()));
        }
    }

    @Override
    public boolean rowwise() {
        return true;
    }

    public static Stream<Sample> samples(SampleSource source) {
        return Stream.of(false, true).flatMap(gelu -> Stream.of(0, 0.4).flatMap(p -> {
            LowRankAffine op = new LowRankAffine(1.5, gelu, p.doubleValue(), 3);
            Tensor[] in = {source.normal(4, 3), source.normal(3, 5), source.normal(5), source.normal(2, 3),
                source.normal(5, 2)};
            return Stream.of(Sample.of(op, in).equalTo((tape, v) -> op.composed(v)),
                    Sample.of(op, in[0], in[1], in[2], in[A], in[B], source.normal(4, 5))
                            .equalTo((tape, v) -> op.composed(v)),
                    Sample.of(op, source.normal(2, 2, 3), in[1], in[2], in[A], in[B]));
        }));
    }

    private Variable composed(Variable... v) {
        Variable u = v[0].matmul(v[1]).add(v[2]);
        u = v.length == RESIDUAL ? u : u.add(v[RESIDUAL]);
        Variable t = v[0].apply(new Dropout(dropout, seed)).matmulTransposed(v[A]).apply(new Scale(scale));
        u = u.add(t.matmulTransposed(v[B]));
        return gelu ? u.gelu() : u;
    }
}
