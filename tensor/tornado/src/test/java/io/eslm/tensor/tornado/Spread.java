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
    private static final Map<Settings, DeviceMemory> OPEN = new HashMap<>();
    private final Attend attention;

    Spread(Attend attention) {
        this.attention = attention;
    }

    static synchronized DeviceMemory memory(Attend attention, boolean programs) {
        Settings settings = new Settings(0, 0, ARRAYS * ARRAY, ARRAY, Products.PORTABLE, null, attention, programs);
        return OPEN.computeIfAbsent(settings,
                s -> new DeviceMemory(new Device(Devices.find(s), s), true));
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
        return new TornadoBackend(memory(attention, false));
    }
}
