// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.tornado;

import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.BackendProvider;
import java.util.HashMap;
import java.util.Map;

/** The device with a few small arrays of floats, where what is allocated next is in the next one: operands are in many. */
final class Spread implements BackendProvider {
    static final int ARRAYS = 3;
    private static final long ARRAY = 24L << 20;
    private static final Map<Boolean, DeviceMemory> OPEN = new HashMap<>();

    static synchronized DeviceMemory memory(boolean programs) {
        return OPEN.computeIfAbsent(programs, _ -> {
            Settings settings = new Settings(0, 0, ARRAYS * ARRAY, ARRAY, Products.PORTABLE, null, programs);
            return new DeviceMemory(new Device(Devices.find(settings), settings), true);
        });
    }

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public int preference() {
        return -1;
    }

    @Override
    public String unusableBecause() {
        return new TornadoProvider().unusableBecause();
    }

    @Override
    public Backend open(int threads) {
        return new TornadoBackend(memory(false));
    }
}
