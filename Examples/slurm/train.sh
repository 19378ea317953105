#!/bin/sh
# A training run on four machines, each one rank: sbatch Examples/slurm/train.sh libmodel.so text.txt
#
# The library, the text and runs/ must be on a disk that all machines see. A job that ends before the run does is put
# in again as it is: it goes on from its last checkpoint, on as many machines as it is given then.
#SBATCH --job-name=moec
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@120

set -e
library=$1 text=$2 run=${3:-runs/slurm}
weights=$run/weights.safetensors
if [ -e "$weights" ]; then set -- --resume "$weights"; else set -- --run "$run"; fi

# Two minutes before its time is over Slurm tells this shell, which has become mpirun, and that its ranks: they save and
# stop. Open MPI asks Slurm where they go. Where `srun --mpi=list` knows this MPI, `srun moec` does as well.
exec mpirun --map-by "ppr:1:node:PE=$SLURM_CPUS_PER_TASK" \
    moec run "$library" --train --data "$text" --accumulate 16 --threads "$SLURM_CPUS_PER_TASK" "$@"
