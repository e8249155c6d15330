// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.train;

import io.eslm.gpt2.train.MicroBatch.Loss;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a rank tells the others about its micro-batch.
 *
 * @param loss without the scalar to differentiate
 * @param seen {@link Objective#takeSeen}
 * @param flops of the micro-batch
 * @param failure why the step cannot go on; "" if it can
 */
record MicroReport(Loss loss, double[] seen, Flops flops, String failure) {
    byte[] bytes() {
        byte[] why = failure.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(2 * Integer.BYTES + 4 * Double.BYTES + Flops.BYTES + Integer.BYTES
                + Double.BYTES * seen.length + why.length);
        out.putInt(loss.tokens()).putDouble(loss.lossSum()).putInt(loss.kept()).putDouble(loss.keptLossSum())
                .putDouble(loss.valueAtRisk()).putDouble(loss.alpha());
        out.put(flops.bytes()).putInt(seen.length);
        for (double value : seen) {
            out.putDouble(value);
        }
        return out.put(why).array();
    }

    static MicroReport of(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        Loss loss = new Loss(null, in.getInt(), in.getDouble(), in.getInt(), in.getDouble(), in.getDouble(),
                in.getDouble());
        Flops flops = Flops.of(in);
        double[] seen = new double[in.getInt()];
        for (int i = 0; i < seen.length; i++) {
            seen[i] = in.getDouble();
        }
        byte[] why = new byte[in.remaining()];
        in.get(why);
        return new MicroReport(loss, seen, flops, new String(why, StandardCharsets.UTF_8));
    }
}
