-- The consumer group of the queue, which all workers make up together.
local GROUP = 'workers'
